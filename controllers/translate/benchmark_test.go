package translate_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// BenchmarkLargestGateway translates a gateway with as many merchants as the schema allows, each with a delivery of its own that inherits
// a CA bundle of the size of a system's.
func BenchmarkLargestGateway(b *testing.B) {
	ca, err := os.ReadFile("testdata/pem/ca1.crt")
	if err != nil {
		b.Fatal(err)
	}
	g := aGateway("a", "g", "MGW_000001", at(0), "d1.example")
	g.Spec.AccessTokens = v1alpha1.AccessTokens{LifetimeSeconds: 900, Algorithm: v1alpha1.AlgorithmES256, KeyRotationDays: 30}
	g.Spec.Delivery = v1alpha1.Delivery{
		URL: "https://a.example", TimeoutSeconds: 10, Retry: v1alpha1.Retry{MaxAgeHours: 72, InitialSeconds: 1, MaxSeconds: 60},
		TLS: &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "ca"}},
	}
	for i := range 1000 {
		g.Spec.Merchants.Items = append(g.Spec.Merchants.Items, v1alpha1.Merchant{ID: fmt.Sprintf("M%010d", i), Delivery: &v1alpha1.DeliveryOverride{TimeoutSeconds: 5}})
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "ca", Labels: map[string]string{v1alpha1.LabelAllowUse: "true"}},
		Data:       map[string][]byte{v1alpha1.KeyCABundle: bytes.Repeat(ca, 140)},
	}
	in := translate.GatewayInput{Gateway: &g, Secrets: map[string]*corev1.Secret{"ca": secret}, Now: at(0).Time, Generate: &fixedGenerator{}}
	for b.Loop() {
		if out := translate.Gateway(in); out.Action != translate.Write {
			b.Fatal(out.Status.Conditions)
		}
	}
}
