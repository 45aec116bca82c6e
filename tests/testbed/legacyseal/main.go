// Seals a Secret as Bitnami did before 2018: the whole of it as one value, in spec.data.
//
// usage: legacyseal CERT.pem < secret.json > sealed.json
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/bitnami-labs/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	"github.com/bitnami-labs/sealed-secrets/pkg/kubeseal"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	log.SetFlags(0)
	file, err := os.Open(os.Args[1])
	check(err)
	key, err := kubeseal.ParseKey(file)
	check(err)
	var secret corev1.Secret
	check(json.NewDecoder(os.Stdin).Decode(&secret))
	sealed, err := v1alpha1.NewSealedSecretV1(scheme.Codecs, key, &secret)
	check(err)
	sealed.APIVersion, sealed.Kind = "bitnami.com/v1alpha1", "SealedSecret"
	sealed.Spec.EncryptedData = map[string]string{}
	check(json.NewEncoder(os.Stdout).Encode(sealed))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
