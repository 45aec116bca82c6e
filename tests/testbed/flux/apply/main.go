// fluxapply applies the objects on its input and waits for them, as Flux's kustomize-controller
// does for a Kustomization with `wait: true`, with its own libraries: fluxapply KUBECONFIG
// TIMEOUT [NAMESPACE/NAME INVENTORY [USER]]. It prints what was done to each object, and fails with
// Flux's words. With the name of a Kustomization and the file of its inventory, what left the
// inventory is pruned; USER is who Flux impersonates.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const group = "kustomize.toolkit.fluxcd.io"

func main() {
	log.SetLogger(logr.Discard())
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig, duration string, more []string) error {
	timeout, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	objects, err := utils.ReadObjects(os.Stdin)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // a limit would be one more way to end before the timeout
	namespace, name, inventory := "flux-system", "apps", ""
	if len(more) > 1 {
		namespace, name, _ = strings.Cut(more[0], "/")
		inventory = more[1]
	}
	if len(more) > 2 {
		config.Impersonate.UserName = more[2]
	}
	manager, err := newManager(config)
	if err != nil {
		return err
	}
	manager.SetOwnerLabels(objects, name, namespace)
	options := ssa.DefaultApplyOptions()
	changes, err := manager.ApplyAllStaged(context.Background(), objects, options)
	if err != nil {
		return err
	}
	fmt.Print(changes)
	if inventory != "" {
		if err := prune(manager, changes, name, namespace, inventory); err != nil {
			return err
		}
	}
	return manager.WaitForSet(changes.ToObjMetadataSet(), ssa.WaitOptions{
		Interval: 100 * time.Millisecond,
		Timeout:  timeout,
		FailFast: true,
	})
}

// prune deletes what the inventory had and has no more, by the rules of kustomize-controller's
// prune in internal/controller/kustomization_controller.go, and writes the new inventory.
func prune(
	manager *ssa.ResourceManager, changes *ssa.ChangeSet, name, namespace, inventory string,
) error {
	stale, err := read(inventory)
	if err != nil {
		return err
	}
	var lines []string
	for _, entry := range changes.Entries {
		id := entry.ObjMetadata.String()
		lines = append(lines, id+" "+entry.GroupVersion+"\n")
		delete(stale, id)
	}
	if err := os.WriteFile(inventory, []byte(strings.Join(lines, "")), 0o600); err != nil {
		return err
	}
	var objects []*unstructured.Unstructured
	for _, one := range stale {
		objects = append(objects, one)
	}
	deleted, err := manager.DeleteAll(context.Background(), objects, ssa.DeleteOptions{
		PropagationPolicy: metav1.DeletePropagationBackground,
		Inclusions:        manager.GetOwnerLabels(name, namespace),
		Exclusions:        map[string]string{group + "/prune": "disabled", group + "/reconcile": "disabled"},
	})
	if deleted != nil && len(deleted.Entries) > 0 {
		fmt.Printf("\n%s", deleted)
	}
	return err
}

func read(inventory string) (map[string]*unstructured.Unstructured, error) {
	found := map[string]*unstructured.Unstructured{}
	file, err := os.Open(inventory)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		id, version, _ := strings.Cut(lines.Text(), " ")
		meta, err := object.ParseObjMetadata(id)
		if err != nil {
			return nil, err
		}
		one := &unstructured.Unstructured{}
		one.SetGroupVersionKind(meta.GroupKind.WithVersion(version))
		one.SetName(meta.Name)
		one.SetNamespace(meta.Namespace)
		found[id] = one
	}
	return found, nil
}

func newManager(config *rest.Config) (*ssa.ResourceManager, error) {
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return nil, err
	}
	kube, err := client.New(config, client.Options{HTTPClient: http, Mapper: mapper})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(kube, mapper, polling.Options{})
	owner := ssa.Owner{Field: "kustomize-controller", Group: group}
	return ssa.NewResourceManager(kube, poller, owner), nil
}
