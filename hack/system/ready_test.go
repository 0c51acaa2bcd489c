package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestATokenIsThereTheMomentAClientIsReady is the sentence that must be true for a platform engineer: when `kubectl wait
// --for=condition=Ready` returns, every running server answers with that configuration. A thousand times out of a thousand.
func TestATokenIsThereTheMomentAClientIsReady(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 2)
	gateway := s.gateway("acme", "MGW_000001")
	create(t, gateway)
	s.waitReady(t.Context(), t, gateway)

	const clients, workers = 1000, 8
	next := make(chan int)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for i := range next {
				if err := s.tokenWhenReady(t.Context(), fmt.Sprintf("client-%04d", i)); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
			}
		})
	}
	for i := range clients {
		next <- i
	}
	close(next)
	running.Wait()
}

// tokenWhenReady creates a client, waits until it is Ready and asks each server for a token at once.
func (s *system) tokenWhenReady(ctx context.Context, name string) error {
	resource := s.oauthClient(name, "acme")
	if err := control.client.Create(ctx, resource); err != nil {
		return err
	}
	if err := awaitReady(ctx, resource); err != nil {
		return err
	}
	var secret corev1.Secret
	if err := control.client.Get(ctx, types.NamespacedName{Namespace: s.tenant, Name: name + "-credentials"}, &secret); err != nil {
		return err
	}
	for i, server := range s.servers {
		if _, err := requestToken(ctx, server.Addr().String(), secret.Data); err != nil {
			return fmt.Errorf("server %d: %w", i, err)
		}
	}
	return nil
}

// requestToken asks for a token with what a credentials Secret shows.
func requestToken(ctx context.Context, address string, credentials map[string][]byte) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(string(credentials[v1alpha1.KeyClientID]), string(credentials[v1alpha1.KeyClientSecret]))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the token endpoint answered %d", response.StatusCode)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("the token endpoint answered no token: %w", err)
	}
	return answer.AccessToken, nil
}

func (s *system) waitReady(ctx context.Context, t *testing.T, object client.Object) {
	t.Helper()
	if err := awaitReady(ctx, object); err != nil {
		t.Fatal(err)
	}
}

// awaitReady watches one object as kubectl wait does: until Ready is True for the generation that it has.
func awaitReady(ctx context.Context, object client.Object) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var list client.ObjectList = &v1alpha1.OAuthClientList{}
	if _, ok := object.(*v1alpha1.MerchantGateway); ok {
		list = &v1alpha1.MerchantGatewayList{}
	}
	events, err := control.client.Watch(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{"metadata.name": object.GetName()})
	if err != nil {
		return err
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		var conditions []metav1.Condition
		var generation int64
		switch o := event.Object.(type) {
		case *v1alpha1.OAuthClient:
			conditions, generation = o.Status.Conditions, o.Generation
		case *v1alpha1.MerchantGateway:
			conditions, generation = o.Status.Conditions, o.Generation
		}
		if c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration >= generation {
			return nil
		}
	}
	return errors.New("the watch ended before it was Ready")
}
