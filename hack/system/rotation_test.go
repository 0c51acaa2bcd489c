package system

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestRotatingEverythingUnderLoadLosesNothing rotates every client secret and the signing key, again and again, while D1 calls both servers as
// fast as it can. D1 is handed a new secret some time after the Secret shows it, within the overlap, as people do; of some clients the very moment that
// the Secret shows it. No call may fail.
func TestRotatingEverythingUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 2)
	gateway := s.gateway("acme", "MGW_000001")
	create(t, gateway)
	s.waitReady(t.Context(), t, gateway)
	const clients, workers, rounds = 12, 6, 3
	d1 := newThales(s)
	var resources []*v1alpha1.OAuthClient
	for i := range clients {
		c := s.oauthClient(fmt.Sprintf("client-%02d", i), "acme")
		c.Spec.Rotation = v1alpha1.Rotation{OverlapHours: new(int32(1)), RetirePrevious: v1alpha1.RetireAfterOverlap}
		if i%2 == 1 {
			c.Spec.Rotation = v1alpha1.Rotation{RetirePrevious: v1alpha1.RetireAfterFirstUse, IdleHours: 1}
		}
		create(t, c)
		s.waitReady(t.Context(), t, c)
		resources = append(resources, c)
		d1.handOver(t, c)
	}
	d1.handOverAtOnce(t, resources[:clients/3])
	stop := d1.call(t, workers)
	for round := range rounds {
		request := fmt.Sprintf("round %d", round)
		s.annotate(t, gateway, v1alpha1.AnnotationRotateRequestedAt, request)
		for _, c := range resources {
			s.annotate(t, c, v1alpha1.AnnotationRotateRequestedAt, request)
		}
		for _, c := range resources {
			s.awaitStatus(t, c, func() bool { return c.Status.LastHandledRotationRequest == request && len(c.Status.Credentials) == 2 })
		}
		s.awaitStatus(t, gateway, func() bool { return gateway.Status.LastHandledRotationRequest == request })
		d1.pass(20 * time.Minute) // the new key signs
		for _, c := range resources[clients/3:] {
			d1.handOver(t, c)
		}
		for _, c := range resources { // and D1 is seen to use the new secret
			s.awaitStatus(t, c, func() bool { return !c.Status.Credentials[0].LastUsedTime.IsZero() })
		}
		d1.pass(70 * time.Minute) // the former secrets end, and the former key
		for _, c := range resources {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.Spec.Credentials.SecretName}}
			s.annotate(t, secret, "touched", request) // has it looked at: the operator's own alarm is set by the real time
			s.awaitStatus(t, c, func() bool { return len(c.Status.Credentials) == 1 })
		}
	}
	calls := stop()
	if calls < 1000 {
		t.Errorf("only %d calls were made", calls)
	}
	t.Logf("%d calls of D1, none failed", calls)
}

// thales is D1: it calls with what it was handed.
type thales struct {
	system *system

	mu      sync.Mutex
	secrets map[string]map[string][]byte // by OAuthClient: what it was handed last
	tokens  map[string]held
	names   []string // some may be called more often than others
}

type held struct {
	token   string
	expires time.Time
}

func newThales(s *system) *thales {
	return &thales{system: s, secrets: map[string]map[string][]byte{}, tokens: map[string]held{}}
}

// handOver gives D1 what the Secret shows now.
func (d *thales) handOver(t *testing.T, c *v1alpha1.OAuthClient) {
	t.Helper()
	secret := &corev1.Secret{}
	if err := control.client.Get(t.Context(), client.ObjectKey{Namespace: c.Namespace, Name: c.Spec.Credentials.SecretName}, secret); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = append(d.names, c.Name)
	d.secrets[c.Name] = secret.Data
}

// handOverAtOnce gives D1 the Secrets of these clients whenever they change.
func (d *thales) handOverAtOnce(t *testing.T, clients []*v1alpha1.OAuthClient) {
	t.Helper()
	owners := map[string]string{}
	for _, c := range clients {
		owners[c.Spec.Credentials.SecretName] = c.Name
	}
	events, err := control.client.Watch(t.Context(), &corev1.SecretList{}, client.InNamespace(d.system.tenant))
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for event := range events.ResultChan() {
			secret, ok := event.Object.(*corev1.Secret)
			if !ok || owners[secret.Name] == "" {
				continue
			}
			d.mu.Lock()
			d.secrets[owners[secret.Name]] = secret.Data
			d.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		events.Stop()
		running.Wait()
	})
}

// pass lets time pass, in steps that are short beside the lifetime of a token.
func (d *thales) pass(total time.Duration) {
	const step = 30 * time.Second
	for range total / step {
		d.system.clock.forward(step)
	}
}

// call makes calls until the answered function is called, which says how many there were. Each failure fails the test.
func (d *thales) call(t *testing.T, workers int) func() int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var running sync.WaitGroup
	var calls atomic.Int64
	for range workers {
		running.Go(func() {
			for ctx.Err() == nil {
				if err := d.one(ctx); err != nil && ctx.Err() == nil {
					t.Errorf("D1's call failed: %v", err)
					return
				}
				calls.Add(1)
			}
		})
	}
	return func() int64 {
		cancel()
		running.Wait()
		return calls.Load()
	}
}

// one gets a token from one server, or takes one it has, and notifies at any server.
func (d *thales) one(ctx context.Context) error {
	d.mu.Lock()
	name := d.names[rand.IntN(len(d.names))]
	credentials, have := d.secrets[name], d.tokens[name]
	d.mu.Unlock()
	now := d.system.clock.Now()
	if have.token == "" || now.Add(time.Minute).After(have.expires) || rand.IntN(4) == 0 {
		token, err := requestToken(ctx, d.server(), credentials)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		have = held{token, now.Add(900 * time.Second)}
		d.mu.Lock()
		d.tokens[name] = have
		d.mu.Unlock()
	}
	return d.notify(ctx, have)
}

func (d *thales) server() string {
	return d.system.servers[rand.IntN(len(d.system.servers))].Addr().String()
}

func (d *thales) notify(ctx context.Context, have held) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.server()+"/merchant-gateways/MGW_000001/merchants/40010000001/tokens/DNITHE301911542411530/notify-update",
		strings.NewReader(`{"updateType":"TOKEN_STATE_CHANGE"}`))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+have.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode == http.StatusUnauthorized && d.system.clock.Now().After(have.expires) {
		return nil // the time passed while the call was under way
	}
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("notify-update answered %d", response.StatusCode)
	}
	return nil
}

func (s *system) annotate(t *testing.T, object client.Object, name, value string) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := control.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[name] = value
		object.SetAnnotations(annotations)
		return control.client.Update(t.Context(), object)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitStatus reads the object until check holds for it.
func (s *system) awaitStatus(t *testing.T, object client.Object, check func() bool) {
	t.Helper()
	eventually(t, func() error {
		if err := control.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		if !check() {
			return fmt.Errorf("%s is not there yet: %+v", object.GetName(), statusOf(object))
		}
		return nil
	})
}

func statusOf(object client.Object) any {
	switch o := object.(type) {
	case *v1alpha1.OAuthClient:
		return o.Status
	case *v1alpha1.MerchantGateway:
		return o.Status
	default:
		return metav1.ObjectMeta{}
	}
}
