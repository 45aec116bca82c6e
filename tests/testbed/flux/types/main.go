// fluxtypes reads the objects on its input into Flux's own types, and fails for what these do not
// know or know otherwise: HelmRelease, Alert, Provider, Receiver, and the event that controllers
// post, which has no kind.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	helm "github.com/fluxcd/helm-controller/api/v2"
	notificationv1 "github.com/fluxcd/notification-controller/api/v1"
	notificationv1beta3 "github.com/fluxcd/notification-controller/api/v1beta3"
	event "github.com/fluxcd/pkg/apis/event/v1beta1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

var types = map[string]func() any{
	"/": func() any { return &event.Event{} },
	helm.GroupVersion.String() + "/HelmRelease": func() any { return &helm.HelmRelease{} },
	notificationv1beta3.GroupVersion.String() + "/Alert": func() any {
		return &notificationv1beta3.Alert{}
	},
	notificationv1beta3.GroupVersion.String() + "/Provider": func() any {
		return &notificationv1beta3.Provider{}
	},
	notificationv1.GroupVersion.String() + "/Receiver": func() any {
		return &notificationv1.Receiver{}
	},
}

func main() {
	reader := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	for {
		text, err := reader.Read()
		if err == io.EOF {
			return
		}
		if err == nil {
			err = read(text)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func read(text []byte) error {
	head := struct{ APIVersion, Kind string }{}
	if err := strict.Unmarshal(text, &head); err != nil {
		return err
	}
	make, known := types[head.APIVersion+"/"+head.Kind]
	if !known {
		return fmt.Errorf("%s %s is not known here", head.APIVersion, head.Kind)
	}
	if err := strict.UnmarshalStrict(text, make()); err != nil {
		return err
	}
	fmt.Println(head.Kind)
	return nil
}
