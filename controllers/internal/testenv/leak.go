package testenv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// MustNotShow fails the test when one of the secrets stands in an event, a resource (conditions included), a Gateway document or the log.
func (s *Setting) MustNotShow(t *testing.T, secrets ...string) {
	t.Helper()
	places := map[string]string{"the log": s.Log.String()}
	for name, list := range map[string]client.ObjectList{
		"events":           &eventsv1.EventList{},
		"MerchantGateways": &v1alpha1.MerchantGatewayList{},
		"OAuthClients":     &v1alpha1.OAuthClientList{},
	} {
		places[name] = s.listed(t, list, s.Tenant)
	}
	places["ConfigMaps"] = s.listed(t, &corev1.ConfigMapList{}, s.System)
	for place, text := range places {
		for i, secret := range secrets {
			if secret == "" {
				t.Fatalf("secret %d is empty", i)
			}
			if strings.Contains(text, secret) {
				t.Errorf("secret %d stands in %s", i, place)
			}
		}
	}
}

// MustMask fails the test when a card number stands in the message of a condition, in the note of an event or in the log, or when one of the
// three does not show each of the masked texts: then it was not put to the test.
func (s *Setting) MustMask(t *testing.T, masked ...string) {
	t.Helper()
	var gateways v1alpha1.MerchantGatewayList
	var clients v1alpha1.OAuthClientList
	var events eventsv1.EventList
	for _, list := range []client.ObjectList{&gateways, &clients, &events} {
		if err := s.Client.List(t.Context(), list, client.InNamespace(s.Tenant)); err != nil {
			t.Fatalf("listing %T: %v", list, err)
		}
	}
	var conditions []metav1.Condition
	for i := range gateways.Items {
		conditions = append(conditions, gateways.Items[i].Status.Conditions...)
	}
	for i := range clients.Items {
		conditions = append(conditions, clients.Items[i].Status.Conditions...)
	}
	places := map[string][]string{"the log": strings.Split(s.Log.String(), "\n")}
	for _, condition := range conditions {
		places["a condition"] = append(places["a condition"], condition.Message)
	}
	for i := range events.Items {
		places["an event"] = append(places["an event"], events.Items[i].Note)
	}
	for place, texts := range places {
		for _, text := range texts {
			if serving.MaskCardNumbers(text) != text {
				t.Errorf("a card number stands in %s: %s", place, text)
			}
		}
		for _, want := range masked {
			if !strings.Contains(strings.Join(texts, "\n"), want) {
				t.Errorf("%s is not in %s", want, place)
			}
		}
	}
}

func (s *Setting) listed(t *testing.T, list client.ObjectList, namespace string) string {
	t.Helper()
	if err := s.Client.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
		t.Fatalf("listing %T: %v", list, err)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatalf("encoding %T: %v", list, err)
	}
	return string(text)
}

// Events answers "reason note" of each event about the object.
func (s *Setting) Events(t *testing.T, object client.Object) []string {
	t.Helper()
	var list eventsv1.EventList
	if err := s.Client.List(t.Context(), &list, client.InNamespace(s.Tenant)); err != nil {
		t.Fatalf("listing events: %v", err)
	}
	var notes []string
	for i := range list.Items {
		if list.Items[i].Regarding.UID == object.GetUID() {
			notes = append(notes, list.Items[i].Reason+" "+list.Items[i].Note)
		}
	}
	return notes
}

// WaitEvent waits for an event of that reason about the object.
func (s *Setting) WaitEvent(t *testing.T, object client.Object, reason string) {
	t.Helper()
	Eventually(t, func() error {
		all := s.Events(t, object)
		if !slices.ContainsFunc(all, func(event string) bool { return strings.HasPrefix(event, reason+" ") }) {
			return fmt.Errorf("there is no event %s about %s: %q", reason, object.GetName(), all)
		}
		return nil
	})
}
