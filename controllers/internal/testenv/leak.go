package testenv

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
