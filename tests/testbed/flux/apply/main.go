// fluxapply applies the objects on its input and waits for them, as Flux's kustomize-controller
// does for a Kustomization with `wait: true`, with its own libraries: fluxapply KUBECONFIG
// TIMEOUT. It prints what was done to each object, and fails with Flux's words.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	log.SetLogger(logr.Discard())
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig, duration string) error {
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
	manager, err := newManager(config)
	if err != nil {
		return err
	}
	manager.SetOwnerLabels(objects, "apps", "flux-system")
	options := ssa.DefaultApplyOptions()
	changes, err := manager.ApplyAllStaged(context.Background(), objects, options)
	if err != nil {
		return err
	}
	fmt.Print(changes)
	return manager.WaitForSet(changes.ToObjMetadataSet(), ssa.WaitOptions{
		Interval: 100 * time.Millisecond,
		Timeout:  timeout,
		FailFast: true,
	})
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
	owner := ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"}
	return ssa.NewResourceManager(kube, poller, owner), nil
}
