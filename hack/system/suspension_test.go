package system

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestNoTokenSurvivesASuspensionHoweverShort: tokens and suspensions are dated to the second, and several of each fit into one.
func TestNoTokenSurvivesASuspensionHoweverShort(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 2)
	gateway, resource := s.gateway("acme", "MGW_000001"), s.oauthClient("client", "acme")
	create(t, gateway)
	create(t, resource)
	s.waitReady(t.Context(), t, gateway)
	s.waitReady(t.Context(), t, resource)
	var former []string
	for round := range 20 {
		for _, token := range former {
			s.eachServerAnswers(t, token, http.StatusUnauthorized, fmt.Sprintf("a token from before suspension %d", round))
		}
		former = s.tokens(t, resource)
		for _, token := range former {
			s.eachServerAnswers(t, token, http.StatusNoContent, "a fresh token")
		}
		for _, state := range []v1alpha1.ClientState{v1alpha1.ClientSuspended, v1alpha1.ClientActive} {
			s.setState(t, resource, state)
		}
	}
}

// TestNoTokenOutlivesItsClientThoughAnotherTakesItsIDAtOnce: both clients are served, and get tokens, within a second.
func TestNoTokenOutlivesItsClientThoughAnotherTakesItsIDAtOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 2)
	gateway := s.gateway("acme", "MGW_000001")
	create(t, gateway)
	s.waitReady(t.Context(), t, gateway)
	var former []string
	for round := range 10 {
		resource := s.oauthClient(fmt.Sprintf("client-%d", round), "acme")
		resource.Spec.ClientID = "the-same"
		create(t, resource)
		s.waitReady(t.Context(), t, resource)
		for _, token := range former {
			s.eachServerAnswers(t, token, http.StatusUnauthorized, fmt.Sprintf("a token of client %d", round-1))
		}
		former = s.tokens(t, resource)
		for _, token := range former {
			s.eachServerAnswers(t, token, http.StatusNoContent, "a fresh token")
		}
		if err := control.client.Delete(t.Context(), resource); err != nil {
			t.Fatal(err)
		}
	}
}

// tokens gets a token of each server.
func (s *system) tokens(t *testing.T, resource *v1alpha1.OAuthClient) []string {
	t.Helper()
	var secret corev1.Secret
	if err := control.client.Get(t.Context(), types.NamespacedName{Namespace: resource.Namespace, Name: resource.Spec.Credentials.SecretName}, &secret); err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for i, server := range s.servers {
		token, err := requestToken(t.Context(), server.Addr().String(), secret.Data)
		if err != nil {
			t.Fatalf("server %d: %v", i, err)
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// setState suspends or resumes a client and waits until every server goes by it.
func (s *system) setState(t *testing.T, resource *v1alpha1.OAuthClient, state v1alpha1.ClientState) {
	t.Helper()
	base := resource.DeepCopy()
	resource.Spec.State = state
	if err := control.client.Patch(t.Context(), resource, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
	s.waitReady(t.Context(), t, resource)
}

func (s *system) eachServerAnswers(t *testing.T, token string, want int, what string) {
	t.Helper()
	for i, server := range s.servers {
		got, err := notifyWith(t.Context(), server.Addr().String(), token)
		if err != nil || got != want {
			t.Errorf("server %d answers %s with %d, %v", i, what, got, err)
		}
	}
}

// notifyWith answers the status with which a server takes a notification.
func notifyWith(ctx context.Context, server, token string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+server+"/merchant-gateways/MGW_000001/merchants/40010000001/tokens/DNITHE301911542411530/notify-update",
		strings.NewReader(`{"updateType":"TOKEN_STATE_CHANGE"}`))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
