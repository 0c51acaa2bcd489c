package merchantgateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

func TestADriftedDocumentIsRepaired(t *testing.T) {
	t.Parallel()
	for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
		for name, drift := range map[string]func(*testing.T, *testenv.Setting, client.Object){
			"edited": func(t *testing.T, s *testenv.Setting, object client.Object) {
				s.Update(t, object, func() { testenv.SetDocument(object, []byte("{}")) })
			},
			"deleted": func(t *testing.T, s *testenv.Setting, object client.Object) { s.Delete(t, object) },
			"unlabelled": func(t *testing.T, s *testenv.Setting, object client.Object) {
				s.Update(t, object, func() { object.SetLabels(nil) })
			},
		} {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				t.Parallel()
				s := cluster.NewSetting(t)
				s.StartOperator(t, interceptor.Funcs{})
				gateway := s.Gateway("acme", "MGW_000001")
				s.Create(t, gateway)
				s.WaitReady(t, gateway)
				object := s.DocumentObject(kind, gateway)
				drift(t, s, object)

				s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
					secrets := s.GatewaySecrets(t, gateway, nil)
					if missing := d.Missing(secrets); missing != "" {
						return fmt.Errorf("GatewaySecrets lacks %s", missing)
					}
					return nil
				})
			})
		}
	}
}

// TestADocumentFromBeforeUIDsIsTheGateways: its keys must outlive an upgrade of the operator.
func TestADocumentFromBeforeUIDsIsTheGateways(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	secrets := s.GatewaySecrets(t, gateway, nil)
	before := secrets.SigningKeys[0].ID
	secrets.UID = ""
	raw, err := serving.Encode(secrets)
	if err != nil {
		t.Fatal(err)
	}
	object := s.DocumentObject(serving.KindGatewaySecrets, gateway)
	s.Update(t, object, func() { testenv.SetDocument(object, raw) })
	after := s.GatewaySecrets(t, gateway, func(d *serving.GatewaySecrets) error {
		if d.UID == "" {
			return errors.New("it is not written anew")
		}
		return nil
	})
	if len(after.SigningKeys) != 1 || after.SigningKeys[0].ID != before {
		t.Errorf("the signing key %s is lost", before)
	}
}

func TestAFailedWriteShowsAndHeals(t *testing.T) {
	t.Parallel()
	for call, name := range map[string]string{
		"patch MerchantGateway acme":          "of the finalizer",
		"create Secret acme-delivery-signing": "of the signing secret",
		"apply Secret gateway-secrets.":       "of the material",
		"apply ConfigMap gateway.":            "of the document, after its material",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster.NewSetting(t)
			calls := &testenv.Calls{}
			calls.Refuse(func(got string) error {
				if !strings.HasPrefix(got, call) {
					return nil
				}
				return apierrors.NewForbidden(schema.GroupResource{Resource: "somethings"}, "x", errors.New("planted-by-a-webhook"))
			})
			s.StartOperator(t, calls.Funcs())
			gateway := s.Gateway("acme", "MGW_000001")
			s.Create(t, gateway)
			condition := s.WaitCondition(t, gateway, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed)
			if !strings.Contains(condition.Message, "Forbidden") {
				t.Errorf("the message does not say why: %s", condition.Message)
			}
			if strings.Contains(condition.Message, "planted-by-a-webhook") {
				t.Errorf("the message repeats what a webhook said: %s", condition.Message)
			}
			s.WaitCondition(t, gateway, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed)

			calls.Refuse(nil)
			s.WaitReady(t, gateway)
			if missing := s.GatewayDocument(t, gateway, nil).Missing(s.GatewaySecrets(t, gateway, nil)); missing != "" {
				t.Errorf("GatewaySecrets lacks %s", missing)
			}
		})
	}
}

func TestAMissingSystemNamespaceIsSaid(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.System += "-later"
	s.WithoutReplica = true
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	condition := s.WaitCondition(t, gateway, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed)
	if !strings.Contains(condition.Message, fmt.Sprintf("namespace %q does not exist", s.System)) {
		t.Errorf("the message does not say what to do: %s", condition.Message)
	}
	s.Create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.System}})
	s.StartReplica(t, "webhook-server-0")
	s.WaitReady(t, gateway)
}

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	operator := s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	operator.Stop()

	// A new operator looks at everything, and then at what has been touched.
	calls := &testenv.Calls{}
	s.StartOperator(t, calls.Funcs())
	document := s.DocumentObject(serving.KindGatewaySecrets, gateway).GetName()
	for looks := range 5 {
		testenv.Eventually(t, func() error {
			if got := calls.Reads("Secret", document); got <= looks {
				return fmt.Errorf("it was looked at %d times", got)
			}
			return nil
		})
		s.Touch(t, s.Secret(gateway.Status.SigningSecretName))
	}
	if writes := calls.Writes(); len(writes) != 0 {
		t.Errorf("it wrote %v", writes)
	}
}

func TestMaterialIsWrittenBeforeItIsNamed(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	calls := &testenv.Calls{}
	s.StartOperator(t, calls.Funcs())
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	order := slices.DeleteFunc(calls.Writes(), func(call string) bool {
		return !strings.HasPrefix(call, "create ") && !strings.HasPrefix(call, "apply ")
	})
	want := []string{"create Secret acme-delivery-signing", "apply Secret gateway-secrets", "apply ConfigMap gateway."}
	for i, prefix := range want {
		if i >= len(order) || !strings.HasPrefix(order[i], prefix) {
			t.Fatalf("the writes are %v, want them to begin with %v", order, want)
		}
	}

	s.Delete(t, gateway)
	s.WaitGone(t, gateway)
	var deletes []string
	for _, call := range calls.Writes() {
		if strings.HasPrefix(call, "delete ") {
			deletes = append(deletes, strings.Fields(call)[1])
		}
	}
	if !slices.Equal(deletes, []string{"ConfigMap", "Secret"}) {
		t.Errorf("the documents were deleted in the order %v", deletes)
	}
}

func TestNoSecretShows(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	const planted = "planted0planted0planted0planted0"
	s.Create(t, s.UserSecret("acme-signing", map[string]string{"secret": "whsec_" + planted + planted}))
	s.Create(t, s.UserSecret("acme-ca", map[string]string{"ca.crt": planted}))
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Delivery.Signing = &v1alpha1.DeliverySigning{SecretRef: &v1alpha1.SecretReference{Name: "acme-signing"}}
	gateway.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "acme-ca"}}
	s.Create(t, gateway)
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	s.Update(t, gateway, func() { gateway.Spec.Delivery.TLS = nil })
	s.WaitReady(t, gateway)
	s.Create(t, s.UserSecret("acme-key", map[string]string{"secret": "whsk_" + planted + planted}))
	s.Update(t, gateway, func() { gateway.Spec.Delivery.Signing.SecretRef.Name = "acme-key" })
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	s.Update(t, gateway, func() { gateway.Spec.Delivery.Signing.SecretRef.Name = "acme-signing" })
	s.WaitReady(t, gateway)
	secrets := s.GatewaySecrets(t, gateway, nil)
	object := s.DocumentObject(serving.KindGatewaySecrets, gateway)
	s.Update(t, object, func() { testenv.SetDocument(object, []byte(`{"secret":"`+planted+`"}`)) })
	s.GatewaySecrets(t, gateway, nil)

	key := secrets.SigningKeys[0].PrivateKey.Reveal()
	lines := bytes.Split([]byte(key), []byte("\n"))
	s.MustNotShow(t, planted, string(lines[1]))
}
