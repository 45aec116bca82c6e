// fluxbuild prints what Flux's kustomize-controller applies for one Flux Kustomization, with the
// controller's own library: fluxbuild ROOT KUSTOMIZATION.yaml. It rewrites the kustomization file
// below ROOT in place, as the controller does, so ROOT must be a copy.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	object := unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &object.Object); err != nil {
		return err
	}
	path, _, _ := unstructured.NestedString(object.Object, "spec", "path")
	folder := filepath.Join(root, path)
	if _, err := kustomize.NewGenerator(root, object).WriteFile(folder); err != nil {
		return err
	}
	built, err := kustomize.SecureBuild(root, folder, false)
	if err != nil {
		return err
	}
	_, substitutes, _ := unstructured.NestedMap(object.Object, "spec", "postBuild")
	for _, resource := range built.Resources() {
		if !substitutes {
			break
		}
		changed, err := kustomize.SubstituteVariables(
			context.Background(), nil, object, resource, kustomize.SubstituteWithDryRun(true))
		if err != nil {
			return err
		}
		if changed != nil {
			if _, err := built.Replace(changed); err != nil {
				return err
			}
		}
	}
	output, err := built.AsYaml()
	if err != nil {
		return err
	}
	fmt.Print(string(output))
	return nil
}
