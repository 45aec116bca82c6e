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
	object := typeOf(head.APIVersion, head.Kind)
	if object == nil {
		return fmt.Errorf("%s %s is not known here", head.APIVersion, head.Kind)
	}
	if err := strict.UnmarshalStrict(text, object); err != nil {
		return err
	}
	fmt.Println(head.Kind)
	return nil
}

func typeOf(version, kind string) any {
	switch version + "/" + kind {
	case "/":
		return &event.Event{}
	case helm.GroupVersion.String() + "/HelmRelease":
		return &helm.HelmRelease{}
	case notificationv1beta3.GroupVersion.String() + "/Alert":
		return &notificationv1beta3.Alert{}
	case notificationv1beta3.GroupVersion.String() + "/Provider":
		return &notificationv1beta3.Provider{}
	case notificationv1.GroupVersion.String() + "/Receiver":
		return &notificationv1.Receiver{}
	}
	return nil
}
