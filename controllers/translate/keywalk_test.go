package translate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// What the walk takes for granted of servers, and holds translate to.
const (
	serversLearnWithin = 10 * time.Second
	clocksDiffer       = time.Minute
	shortestLead       = 10 * time.Minute
)

// walk is a gateway, its documents, and the servers that serve it, through a time in which everything happens.
type walk struct {
	t        *testing.T
	random   *rand.Rand
	now      time.Time
	gateway  *v1alpha1.MerchantGateway
	ca       *corev1.Secret
	document *serving.Gateway
	secrets  *serving.GatewaySecrets
	generate *fixedGenerator
	next     time.Time

	// views are what a server may serve: the present one first.
	views []view
	// tokens are when the last token of each key expires, whose key was not withdrawn.
	tokens map[string]time.Time
	// published is when a document first named the key, and hurried are the keys that sign early because another one was withdrawn.
	published map[string]time.Time
	hurried   map[string]bool
	history   []string
}

func newWalk(t *testing.T, seed uint64) *walk {
	w := &walk{
		t: t, random: rand.New(rand.NewPCG(seed, 0)),
		now:      time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		generate: &fixedGenerator{}, tokens: map[string]time.Time{}, published: map[string]time.Time{}, hurried: map[string]bool{},
	}
	w.ca = withData(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "ca", Namespace: "payments", Labels: map[string]string{v1alpha1.LabelAllowUse: "true"}},
		StringData: map[string]string{v1alpha1.KeyCABundle: "file:ca1.crt"},
	})
	w.gateway = &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Name: "acme", Namespace: "payments", UID: "uid-acme", Generation: 1}}
	spec := &w.gateway.Spec
	spec.GatewayID, spec.Hostnames = "MGW_000001", []v1alpha1.Hostname{"d1.acme.example"}
	spec.TokenEndpoints = []v1alpha1.TokenEndpoint{{Path: "/oauth2/token", Dialect: v1alpha1.DialectEcom}}
	spec.AccessTokens = v1alpha1.AccessTokens{Algorithm: v1alpha1.AlgorithmES256, LifetimeSeconds: 900, KeyRotationDays: 1}
	spec.Authentication.ClientCertificate = v1alpha1.ClientCertificate{Mode: v1alpha1.ClientCertificateRequired, CASecretRef: &v1alpha1.SecretReference{Name: "ca"}}
	spec.Authentication.TokenEndpointMethods = []v1alpha1.TokenEndpointMethod{"ClientSecretBasic"}
	return w
}

// TestNoTokenIsRefusedBeforeItExpires walks at random through rotations by period and by request, changes of algorithm and lifetime, withdrawals,
// references that do not resolve, crashes between the two documents, and an operator that is away. A token that a server issues on documents of the last
// seconds is verified by every server on documents of the last seconds until it expires, unless its key was withdrawn.
func TestNoTokenIsRefusedBeforeItExpires(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("walk ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWalk(t, seed)
			w.reconcile(false)
			for range 250 {
				w.pass()
				w.change()
				w.reconcile(w.random.IntN(8) == 0)
				if t.Failed() {
					for _, line := range w.history[max(0, len(w.history)-12):] {
						t.Log(line)
					}
					return
				}
			}
			if len(w.published) < 50 {
				t.Errorf("in the whole walk only %d keys were published", len(w.published))
			}
		})
	}
}

func (w *walk) fail(format string, args ...any) {
	w.t.Errorf("%s: %s", w.now.Format(time.DateTime), fmt.Sprintf(format, args...))
}

// pass lets time go by, as a rule no further than to the next change that translate has announced; servers issue tokens all the while.
func (w *walk) pass() {
	step := time.Duration(w.random.IntN(9)+1) * []time.Duration{time.Second, time.Second, time.Minute, time.Hour}[w.random.IntN(4)]
	to := w.now.Add(step)
	away := w.random.IntN(20) == 0
	switch {
	case away:
		to = w.now.Add(time.Duration(w.random.IntN(60)) * time.Hour)
	case w.random.IntN(3) == 0 || to.After(w.next):
		to = w.next
	}
	for _, v := range w.views {
		end := to
		if !v.until.IsZero() && v.until.Before(end) {
			end = v.until
		}
		w.issue(v, w.now, end)
	}
	w.now = to
	w.views = slices.DeleteFunc(w.views, func(v view) bool { return !v.until.IsZero() && !v.until.After(w.now) })
}

func (w *walk) withdrawn(id string) bool {
	return slices.Contains(w.gateway.Spec.AccessTokens.WithdrawnKeys, v1alpha1.SigningKeyID(id))
}

// change does one or two things that people do.
func (w *walk) change() {
	spec := &w.gateway.Spec.AccessTokens
	for range w.random.IntN(3) {
		what := ""
		switch w.random.IntN(6) {
		case 0:
			spec.Algorithm = []v1alpha1.SigningAlgorithm{v1alpha1.AlgorithmES256, v1alpha1.AlgorithmEdDSA}[w.random.IntN(2)]
			what = string(spec.Algorithm)
		case 1:
			spec.LifetimeSeconds = []int32{1, 60, 900, 3600, 86400}[w.random.IntN(5)]
			what = fmt.Sprint("lifetime ", spec.LifetimeSeconds)
		case 2:
			spec.KeyRotationDays = w.random.Int32N(3) + 1
			what = fmt.Sprint("rotation ", spec.KeyRotationDays)
		case 3:
			what = fmt.Sprint("request ", w.random.IntN(1000))
			w.gateway.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: what}
		case 4:
			w.gateway.Spec.Authentication.ClientCertificate.CASecretRef.Name = []string{"ca", "ca", "missing"}[w.random.IntN(3)]
			what = "reference " + w.gateway.Spec.Authentication.ClientCertificate.CASecretRef.Name
		case 5:
			what = w.withdraw()
		}
		w.gateway.Generation++
		w.history = append(w.history, w.now.Format(time.DateTime)+" "+what)
	}
}

func (w *walk) withdraw() string {
	if w.random.IntN(3) > 0 {
		return "nothing"
	}
	id := w.document.SigningKeys[w.random.IntN(len(w.document.SigningKeys))]
	list := slices.Concat(w.gateway.Spec.AccessTokens.WithdrawnKeys, []v1alpha1.SigningKeyID{v1alpha1.SigningKeyID(id)})
	w.gateway.Spec.AccessTokens.WithdrawnKeys = slices.Compact(slices.Sorted(slices.Values(list[max(0, len(list)-32):])))
	delete(w.tokens, id)
	return "withdraw " + id
}

// reconcile translates as often as a reconciler would, and at last nothing changes. After a crash it comes back some seconds later.
func (w *walk) reconcile(crash bool) {
	request := w.gateway.Annotations[v1alpha1.AnnotationRotateRequestedAt]
	asked := w.document != nil && w.document.RotationRequest != request
	if w.step(crash); crash {
		w.pass()
		w.step(false)
	}
	newest := w.views[0].keys[len(w.views[0].keys)-1]
	acted := w.document.RotationRequest == request || strings.HasPrefix(w.document.RotationRequest, "sha256:")
	if asked && (!acted || newest.SignsFrom.Before(w.now)) {
		w.fail("%s is not answered by a new key", request)
	}
	w.step(false)
	before := w.encoded(w.document) + w.encoded(w.secrets)
	if events := w.step(false); len(events) > 0 || w.encoded(w.document)+w.encoded(w.secrets) != before {
		w.fail("it does not come to rest: %v", events)
	}
	for _, id := range w.gateway.Spec.AccessTokens.WithdrawnKeys {
		if slices.ContainsFunc(w.secrets.SigningKeys, func(k serving.SigningKey) bool { return k.ID == string(id) }) {
			w.fail("the withdrawn key %s is among the secrets", id)
		}
	}
}

func (w *walk) encoded(d serving.Document) string {
	raw, err := serving.Encode(d)
	if err != nil {
		w.fail("%v", err)
	}
	return string(raw)
}

// step translates once and answers the events that follow.
func (w *walk) step(crash bool) []translate.KeyEvent {
	in := w.input()
	out := translate.Gateway(in)
	w.gateway.Status = out.Status
	w.next = out.NextChange
	if !w.next.After(w.now) {
		w.fail("the next change is at %s", w.next.Format(time.DateTime))
	}
	if out.Action != translate.Write {
		if out.Action != translate.Keep {
			w.fail("the action is %s", out.Action)
		}
		return out.KeyEvents
	}
	w.secrets = out.Secrets
	w.hurry(out)
	if w.document != nil {
		w.serve(w.document) // The secrets are written first.
	}
	if crash {
		w.history = append(w.history, w.now.Format(time.DateTime)+" crash")
		return nil
	}
	w.lead(out)
	w.document = out.Document
	w.serve(w.document)
	w.history = append(w.history, fmt.Sprint(w.now.Format(time.DateTime), " keys ", w.document.SigningKeys, " ", w.document.AccessTokenSeconds))
	return out.KeyEvents
}
