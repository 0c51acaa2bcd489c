package translate_test

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// signingWalk is a gateway with generated signing material, its operator, the server replicas and the backends that go by what is shown, at random.
type signingWalk struct {
	t    *testing.T
	rand *rand.Rand
	now  time.Time

	gateway  *v1alpha1.MerchantGateway
	generate *fixedGenerator
	secret   *corev1.Secret
	document *serving.Gateway
	secrets  *serving.GatewaySecrets

	// slowest is what the slowest replica signs with: the texts of the secrets, of the document it serves.
	slowest, newest []string
	// shown is what backends that follow the Secret go by, and until when each former one was promised to sign.
	shown    map[string]string
	promised map[string]time.Time
	// rotated are all that were ever shown as the current ones, former those that were shown as former ones since.
	rotated, former map[string]bool
	// lost says that the Secret was lost since it was last written: nobody knows then what it showed last.
	lost bool
	// unsure says that some replica has not told what it serves.
	unsure bool
}

func newSigningWalk(t *testing.T, seed uint64) *signingWalk {
	t.Helper()
	gateway := aGateway("payments", "acme", "MGW_000001", at(0), "d1.example")
	gateway.UID = "uid"
	gateway.Spec.AccessTokens = v1alpha1.AccessTokens{LifetimeSeconds: 900, Algorithm: "ES256", KeyRotationDays: 3650}
	gateway.Spec.Delivery = v1alpha1.Delivery{
		URL: "https://a.example", TimeoutSeconds: 10,
		Signing: &v1alpha1.DeliverySigning{Algorithms: []v1alpha1.DeliverySigningAlgorithm{v1alpha1.SigningHMAC, v1alpha1.SigningEd25519}},
	}
	w := &signingWalk{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), now: at(0).Time, gateway: &gateway, generate: &fixedGenerator{},
		promised: map[string]time.Time{}, rotated: map[string]bool{}, former: map[string]bool{},
	}
	w.reconcile(3)
	w.slowest = w.newest
	return w
}

// TestNoBackendIsSentWhatItCannotVerify walks through rotations, crashes between any two writes, lost Secrets and replicas that are behind. Whoever goes
// by what the Secret shows can verify what any replica sends, and whoever went by it before can until the date that was given.
func TestNoBackendIsSentWhatItCannotVerify(t *testing.T) {
	t.Parallel()
	rotations := 0
	for seed := range uint64(60) {
		w := newSigningWalk(t, seed)
		for range 120 {
			w.step()
			if t.Failed() {
				t.Fatalf("walk %d at %s", seed, w.now)
			}
		}
		w.comeToRest()
		rotations += len(w.rotated)
	}
	if rotations < 600 {
		t.Errorf("only %d secrets and keys were shown", rotations)
	}
}

func (w *signingWalk) step() {
	switch w.rand.IntN(10) {
	case 0, 1:
		w.gateway.Annotations = map[string]string{v1alpha1.AnnotationRotateDeliverySigningRequestedAt: fmt.Sprint(w.rand.IntN(1000))}
	case 2:
		w.secret, w.lost = nil, true
	case 3:
		w.gateway.Spec.Delivery.Signing.OverlapHours = []int32{0, 1, 24, 2160}[w.rand.IntN(4)]
	case 4, 5:
		w.pass(time.Duration(w.rand.IntN(48*60)) * time.Minute)
	}
	w.unsure = w.rand.IntN(3) == 0
	w.reconcile([]int{0, 1, 1, 2, 3, 3, 3, 3}[w.rand.IntN(8)])
	if w.rand.IntN(3) > 0 {
		w.slowest = w.newest
	}
	w.check()
}

// pass has time pass; the operator looks when it said it would.
func (w *signingWalk) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.reconcile(3)
	w.slowest = w.newest
}

// reconcile translates and does so many of the three writes; then the operator stops.
func (w *signingWalk) reconcile(writes int) translate.GatewayOutput {
	in := translate.GatewayInput{
		Gateway: w.gateway, Secrets: map[string]*corev1.Secret{}, Previous: w.document, PreviousSecrets: w.secrets,
		PreviousServed: slices.Equal(w.slowest, w.newest) && !w.unsure, Now: w.now, Generate: w.generate,
	}
	if w.secret != nil {
		in.Secrets[w.secret.Name] = w.secret
	}
	out := translate.Gateway(in)
	if out.Action != translate.Write || out.SigningSecret == nil {
		w.t.Fatalf("the gateway is not served: %+v", out.Status.Conditions)
	}
	// Whoever chooses a shorter overlap wants the former ones gone.
	last := w.now.Add(time.Duration(cmp.Or(w.gateway.Spec.Delivery.Signing.OverlapHours, 168)) * time.Hour)
	for former, until := range w.promised {
		if until.After(last) {
			w.promised[former] = last
		}
	}
	if writes > 0 {
		w.secret = out.SigningSecret
		w.look()
	}
	if writes > 1 {
		w.secrets = out.Secrets
	}
	if writes > 2 {
		w.document = out.Document
		w.newest = w.signsWith(out.Document)
	}
	w.gateway.Status = out.Status
	return out
}

// signsWith answers the texts of what a server signs with that serves the document.
func (w *signingWalk) signsWith(doc *serving.Gateway) []string {
	texts := map[string]string{}
	for _, s := range w.secrets.SigningSecrets {
		texts[s.ID] = s.Secret.Reveal()
	}
	var all []string
	for _, id := range doc.Delivery.SigningSecrets {
		all = append(all, verifierOf(w.t, texts[id]))
	}
	return all
}

// look has the backends take up what the Secret shows.
func (w *signingWalk) look() {
	shown := map[string]string{}
	for key, value := range w.secret.Data {
		shown[key] = string(value)
	}
	for _, keys := range [][2]string{{v1alpha1.KeySigningSecret, v1alpha1.KeyPreviousSigningSecret}, {v1alpha1.KeyPublicKey, v1alpha1.KeyPreviousPublicKey}} {
		current, previous := shown[keys[0]], shown[keys[1]]
		if current == "" {
			w.t.Errorf("the Secret does not show %s", keys[0])
		}
		if w.former[current] && !w.lost {
			w.t.Errorf("a former %s is shown again", keys[0])
		}
		w.rotated[current], w.former[current] = true, false
		delete(w.promised, current)
		if previous == "" {
			continue
		}
		until, err := time.Parse(time.RFC3339, w.secret.Annotations[v1alpha1.AnnotationPreviousSignsUntil])
		if err != nil {
			w.t.Error("there is a former one, and no date")
		}
		w.promised[previous], w.former[previous] = until, true
	}
	w.shown, w.lost = shown, false
}

func (w *signingWalk) check() {
	for _, replica := range [][]string{w.slowest, w.newest} {
		for _, key := range []string{v1alpha1.KeySigningSecret, v1alpha1.KeyPublicKey} {
			if !slices.Contains(replica, w.shown[key]) {
				w.t.Errorf("a replica does not sign with the %s that is shown", key)
			}
		}
		if len(replica) > 8 {
			w.t.Errorf("a delivery has %d signatures", len(replica))
		}
	}
	for former, until := range w.promised {
		// Four generations sign at once: who asks for more ends the first one early.
		if until.After(w.now) && !slices.Contains(w.newest, former) && len(w.newest) < 8 {
			w.t.Errorf("one that was promised to sign until %s does not at %s", until, w.now)
		}
	}
}

// comeToRest has all writes done and served, and a long time pass: then one secret and one key sign, and nothing more changes.
func (w *signingWalk) comeToRest() {
	w.t.Helper()
	w.unsure = false
	for range 4 {
		w.reconcile(3)
		w.slowest = w.newest
	}
	w.pass(2161 * time.Hour)
	w.reconcile(3)
	w.slowest = w.newest
	before := w.secret.DeepCopy()
	out := w.reconcile(3)
	if len(w.newest) != 2 || len(w.secrets.SigningSecrets) != 2 || len(out.KeyEvents) > 0 || len(w.secret.Data) != 2 {
		w.t.Errorf("at rest %d of %d sign, the Secret shows %v, and there is to say: %v", len(w.newest), len(w.secrets.SigningSecrets), slices.Sorted(maps.Keys(w.secret.Data)), out.KeyEvents)
	}
	if !maps.EqualFunc(before.Data, w.secret.Data, slices.Equal) {
		w.t.Error("the Secret changes at rest")
	}
	if got := w.gateway.Status.LastHandledSigningRotationRequest; got != w.gateway.Annotations[v1alpha1.AnnotationRotateDeliverySigningRequestedAt] {
		w.t.Errorf("handled is %q", got)
	}
}

// verifierOf answers what verifies: the secret itself, or the public key.
func verifierOf(t *testing.T, text string) string {
	t.Helper()
	encoded, ok := strings.CutPrefix(text, "whsk_")
	if !ok {
		return text
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) != ed25519.PrivateKeySize {
		t.Fatalf("a private key of %d bytes: %v", len(raw), err)
	}
	return "whpk_" + base64.StdEncoding.EncodeToString(raw[32:])
}
