package translate_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// rotationWalk is a client with a generated secret, its operator, the server replicas and the people who use what the Secret shows, at random.
type rotationWalk struct {
	t    *testing.T
	rand *rand.Rand
	now  time.Time

	client     *v1alpha1.OAuthClient
	gateway    *v1alpha1.MerchantGateway
	generate   *fixedGenerator
	secret     *corev1.Secret
	document   *serving.Client
	remembered serving.Secret

	// served is the document that the slowest replica serves. used are the true uses of credentials, and noReplica hides them.
	served    *serving.Client
	used      map[string]time.Time
	noReplica bool
	// texts are all secrets that the Secret has shown, shown the one it showed last.
	texts []string
	shown string
}

func newRotationWalk(t *testing.T, seed uint64) *rotationWalk {
	t.Helper()
	gateway := aGateway("payments", "acme", "MGW_000001", at(0), "d1.example")
	gateway.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue}}
	client := &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "thales", UID: "uid", Generation: 1, CreationTimestamp: at(0)},
		Spec:       v1alpha1.OAuthClientSpec{Scopes: []v1alpha1.Scope{"d1:notify"}, Credentials: v1alpha1.ClientCredentials{SecretName: "thales"}},
	}
	client.Spec.GatewayRef.Name = "acme"
	w := &rotationWalk{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)),
		now: at(0).Time, client: client, gateway: &gateway, generate: &fixedGenerator{}, used: map[string]time.Time{},
	}
	w.changePolicy()
	w.reconcile(false)
	w.served = w.document
	return w
}

// TestNoSecretIsRefusedThatPeopleMayUse walks through rotations, uses, crashes, losses and changes of the policy.
func TestNoSecretIsRefusedThatPeopleMayUse(t *testing.T) {
	t.Parallel()
	rotations := 0
	for seed := range uint64(40) {
		w := newRotationWalk(t, seed)
		for range 80 {
			w.step()
			if t.Failed() {
				t.Fatalf("walk %d at %s", seed, w.now)
			}
		}
		w.comeToRest()
		rotations += len(w.texts) - 1
	}
	if rotations < 240 {
		t.Errorf("only %d rotations happened", rotations)
	}
}

func (w *rotationWalk) step() {
	switch w.rand.IntN(16) {
	case 0, 1:
		w.client.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: fmt.Sprint(w.rand.IntN(1000))}
	case 2:
		w.changePolicy()
	case 3:
		w.lose()
	case 4:
		w.remembered = serving.Secret{}
	case 5:
		w.noReplica = !w.noReplica
	case 6, 7:
		w.use(w.texts[w.rand.IntN(len(w.texts))])
	case 8, 9, 10:
		w.use(w.shown)
	case 11, 12, 13:
		w.pass(time.Duration(w.rand.IntN(48*60)) * time.Minute)
	case 14:
		w.reconcile(true)
	case 15:
		w.comeToRest()
	}
	if w.rand.IntN(3) > 0 {
		w.reconcile(false)
	}
	if w.rand.IntN(3) > 0 {
		w.served = w.document
	}
	w.check()
}

func (w *rotationWalk) changePolicy() {
	days, overlap := []int32{0, 1, 7}[w.rand.IntN(3)], []int32{0, 1, 24, 8760}[w.rand.IntN(4)]
	w.client.Spec.Rotation = v1alpha1.Rotation{
		IntervalDays: &days, OverlapHours: &overlap, IdleHours: []int32{1, 24}[w.rand.IntN(2)],
		RetirePrevious: []v1alpha1.RetirePrevious{v1alpha1.RetireAfterFirstUse, v1alpha1.RetireAfterOverlap}[w.rand.IntN(2)],
	}
}

// lose has somebody delete the Secret, or one of its keys.
func (w *rotationWalk) lose() {
	if w.rand.IntN(2) == 0 || w.secret == nil {
		w.secret = nil
		return
	}
	w.secret = w.secret.DeepCopy()
	delete(w.secret.Data, []string{v1alpha1.KeyClientSecret, v1alpha1.KeyNextClientSecret, v1alpha1.KeyPreviousClientSecret}[w.rand.IntN(3)])
}

// use has D1 ask for a token.
func (w *rotationWalk) use(text string) {
	for _, c := range w.served.Credentials {
		if c.Digest.Equal(serving.DigestSecret(text)) && w.works(c) {
			w.used[c.ID] = w.now
		}
	}
}

func (w *rotationWalk) works(c serving.Credential) bool {
	return c.ExpiresAt.IsZero() || c.ExpiresAt.After(w.now)
}

// pass lets time go by. The operator acts when it said it would.
func (w *rotationWalk) pass(d time.Duration) {
	end := w.now.Add(d)
	for range 20 {
		next := w.reconcile(false).NextChange
		if next.IsZero() || !next.Before(end) {
			break
		}
		if next.Before(w.now) {
			w.t.Errorf("it wants to be asked again at %s, and it is %s", next, w.now)
		}
		w.now = next
		w.check()
	}
	w.now = end
}

// reports are the uses as replicas report them: to the minute.
func (w *rotationWalk) reports() map[string]time.Time {
	if w.noReplica {
		return nil
	}
	reported := map[string]time.Time{}
	for id, at := range w.used {
		reported[id] = at.Truncate(time.Minute)
	}
	return reported
}

func (w *rotationWalk) reconcile(crash bool) translate.ClientOutput {
	w.t.Helper()
	in := translate.ClientInput{
		Client: w.client, Gateway: w.gateway, GatewayServed: true, Secret: w.secret, Previous: w.document, PreviousServed: w.served != nil && w.served == w.document,
		Remembered: w.remembered, Uses: w.reports(), ExternalURL: "https://d1.example", Now: w.now, Generate: w.generate,
	}
	out := translate.Client(in)
	if out.Action != translate.Write {
		w.t.Fatalf("%s: %v", out.Action, out.Status.Conditions)
	}
	w.secret = out.Secret
	if text := string(out.Secret.Data[v1alpha1.KeyClientSecret]); text != "" {
		w.remembered = serving.NewSecret(text)
		if text != w.shown {
			w.shown, w.texts = text, append(w.texts, text)
		}
	}
	if crash {
		w.remembered = serving.Secret{}
		return out
	}
	w.compare(w.document, out.Document)
	w.write(out.Document)
	w.client.Status = out.Status
	return out
}

func (w *rotationWalk) write(d *serving.Client) {
	if w.document == nil || !bytes.Equal(encode(w.t, w.document), encode(w.t, d)) {
		w.document = d
	}
}

func encode(t *testing.T, d serving.Document) []byte {
	t.Helper()
	encoded, err := serving.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// compare holds a new document to what was promised before it.
func (w *rotationWalk) compare(before, after *serving.Client) {
	if before == nil {
		return
	}
	policy := w.client.Spec.Rotation
	afterUse, overlap := policy.RetirePrevious == v1alpha1.RetireAfterFirstUse, time.Duration(*policy.OverlapHours)*time.Hour
	for i, c := range before.Credentials {
		kept := slices.IndexFunc(after.Credentials, func(k serving.Credential) bool { return k.Digest.Equal(c.Digest) })
		everShown := slices.ContainsFunc(w.texts, func(text string) bool { return c.Digest.Equal(serving.DigestSecret(text)) })
		switch {
		case kept >= 0 && afterUse && !after.Credentials[kept].ExpiresAt.IsZero():
			w.t.Errorf("credential %s ends at a time that was decided beforehand", c.ID)
		case kept >= 0 && !afterUse && c.ExpiresAt.IsZero() && !after.Credentials[kept].ExpiresAt.IsZero():
			if got := after.Credentials[kept].ExpiresAt; !got.Equal(w.now.Add(overlap)) {
				w.t.Errorf("credential %s works until %s, want the whole overlap from now on", c.ID, got)
			}
		case kept >= 0 && !afterUse && !c.ExpiresAt.Equal(after.Credentials[kept].ExpiresAt):
			w.t.Errorf("credential %s was promised to work until %s", c.ID, c.ExpiresAt)
		case kept >= 0, !everShown, !w.works(c), len(before.Credentials) == 8 && len(after.Credentials) == 8, !afterUse && overlap == 0:
		case !afterUse:
			w.t.Errorf("credential %s ends before its time", c.ID)
		default:
			w.mayRetire(c, before.Credentials[:i])
		}
	}
}

func (w *rotationWalk) mayRetire(c serving.Credential, newer []serving.Credential) {
	if w.noReplica {
		w.t.Errorf("credential %s is retired while nobody can say whether it is in use", c.ID)
	}
	if idle := time.Duration(w.client.Spec.Rotation.IdleHours) * time.Hour; w.now.Before(w.used[c.ID].Add(idle)) {
		w.t.Errorf("credential %s was used at %s and is retired", c.ID, w.used[c.ID])
	}
	if !slices.ContainsFunc(newer, func(k serving.Credential) bool { return !w.used[k.ID].IsZero() }) {
		w.t.Errorf("credential %s is retired before a newer one was used", c.ID)
	}
}

// check holds what is to be true at any moment.
func (w *rotationWalk) check() {
	w.t.Helper()
	if len(w.document.Credentials) > 8 {
		w.t.Errorf("%d secrets work", len(w.document.Credentials))
	}
	if w.secret == nil || len(w.secret.Data[v1alpha1.KeyClientSecret]) == 0 {
		return
	}
	shown := serving.DigestSecret(string(w.secret.Data[v1alpha1.KeyClientSecret]))
	for name, d := range map[string]*serving.Client{"written": w.document, "served": w.served} {
		if !slices.ContainsFunc(d.Credentials, func(c serving.Credential) bool { return c.Digest.Equal(shown) && w.works(c) }) {
			w.t.Errorf("the document that is %s refuses the secret that the Secret shows", name)
		}
	}
}

// comeToRest lets the replicas catch up until nothing changes any more.
func (w *rotationWalk) comeToRest() {
	w.t.Helper()
	for range 4 {
		w.reconcile(false)
		w.served = w.document
	}
	document, secret, status := w.document, w.secret, w.client.Status
	out := w.reconcile(false)
	if w.document != document || !reflect.DeepEqual(w.secret, secret) || !reflect.DeepEqual(w.client.Status, status) || out.Issued+out.Shown+out.Restored != "" {
		w.t.Errorf("it does not come to rest: %+v", out)
	}
	if got := slices.Sorted(maps.Keys(w.secret.Data)); slices.Contains(got, v1alpha1.KeyNextClientSecret) || !slices.Contains(got, v1alpha1.KeyClientSecret) {
		w.t.Errorf("at rest the Secret holds %v", got)
	}
	if got, want := w.client.Status.LastHandledRotationRequest, w.client.Annotations[v1alpha1.AnnotationRotateRequestedAt]; got != want {
		w.t.Errorf("at rest the request %q counts as handled, want %q", got, want)
	}
}
