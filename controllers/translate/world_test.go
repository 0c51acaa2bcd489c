package translate_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/schema"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// world stands for the API server in one namespace: resources, Secrets and documents by name.
type world struct {
	t           *testing.T
	validator   *schema.Validator
	externalURL string
	now         time.Time
	gateways    map[string]*v1alpha1.MerchantGateway
	clients     map[string]*v1alpha1.OAuthClient
	secrets     map[string]*corev1.Secret
	documents   map[string]serving.Document
	generate    *fixedGenerator
	// served, uses and remembered are what the server replicas have reported and what the operator has seen, the last by Secret.
	served     bool
	uses       map[string]time.Time
	remembered map[string]serving.Secret
}

func newWorld(t *testing.T, validator *schema.Validator) *world {
	t.Helper()
	return &world{
		t: t, validator: validator,
		gateways: map[string]*v1alpha1.MerchantGateway{}, clients: map[string]*v1alpha1.OAuthClient{},
		secrets: map[string]*corev1.Secret{}, documents: map[string]serving.Document{},
		generate: &fixedGenerator{}, remembered: map[string]serving.Secret{},
	}
}

func (w *world) begin(s step) {
	w.now = s.Now
	w.served = s.Served == nil || *s.Served
	if s.Uses != nil || s.NoReplica {
		w.uses = s.Uses
	}
	if s.Restarted {
		clear(w.remembered)
	}
	if s.ExternalURL != nil {
		w.externalURL = *s.ExternalURL
	}
	for _, what := range s.Delete {
		kind, name, _ := strings.Cut(what, "/")
		switch kind {
		case "MerchantGateway":
			delete(w.gateways, name)
		case "OAuthClient":
			delete(w.clients, name)
		case "Secret":
			delete(w.secrets, name)
		case "Document":
			delete(w.documents, name)
		default:
			w.t.Fatalf("cannot delete %s", what)
		}
	}
}

// run translates everything, applies what follows, and answers it for the golden file. Doing it again must change nothing: a reconciler
// that sees its own writes must come to rest.
func (w *world) run(s step) []byte {
	w.t.Helper()
	result := w.translate(s.Crash)
	if !s.Crash {
		then := w.translate(false) // prunes, and shows new secrets
		maps.DeleteFunc(then.Clients, func(_ string, shown any) bool { return shown == "unchanged" })
		result.Then = then.Clients
		maps.DeleteFunc(then.Gateways, func(_ string, shown any) bool {
			g, changed := shown.(gatewayShown)
			return !changed || len(g.KeyEvents) == 0
		})
		result.ThenGateways = then.Gateways
		before := w.encoded()
		again := w.translate(false)
		if after := w.encoded(); !maps.Equal(before, after) {
			w.t.Errorf("step %q does not come to rest", s.Name)
		}
		for name, shown := range again.Gateways {
			if g, changed := shown.(gatewayShown); changed && len(g.KeyEvents) > 0 {
				w.t.Errorf("step %q: gateway %s has something to announce again: %+v", s.Name, name, g.KeyEvents)
			}
		}
		for name, shown := range again.Clients {
			if c, changed := shown.(clientShown); changed {
				w.t.Errorf("step %q: client %s changes again: %+v", s.Name, name, c)
			}
		}
	}
	out, err := yaml.Marshal(result)
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Appendf(nil, "# %s: %s\n%s", s.Now.Format(time.RFC3339Nano), s.Name, out)
}

func (w *world) translate(crash bool) result {
	r := result{Gateways: map[string]any{}, Clients: map[string]any{}}
	for _, name := range slices.Sorted(maps.Keys(w.gateways)) {
		r.Gateways[name] = w.translateGateway(w.gateways[name], crash)
	}
	for _, name := range slices.Sorted(maps.Keys(w.clients)) {
		r.Clients[name] = w.translateClient(w.clients[name], crash)
	}
	return r
}

func (w *world) translateGateway(g *v1alpha1.MerchantGateway, crash bool) any {
	in := translate.GatewayInput{
		Gateway: g, Holder: translate.GatewayHolder(g, values(w.gateways)), Secrets: map[string]*corev1.Secret{},
		PreviousServed: w.served, ExternalURL: w.externalURL, Now: w.now, Generate: w.generate,
	}
	// A reconciler fetches just these.
	for _, name := range translate.GatewaySecretNames(g) {
		if secret := w.secrets[name]; secret != nil {
			in.Secrets[name] = secret
		}
	}
	in.Previous, _ = w.documents[objectName(serving.KindGateway, g)].(*serving.Gateway)
	in.PreviousSecrets, _ = w.documents[objectName(serving.KindGatewaySecrets, g)].(*serving.GatewaySecrets)
	out := translate.Gateway(in)
	same := reflect.DeepEqual(g.Status, out.Status)
	shown := gatewayShown{Action: out.Action, NextChange: out.NextChange, Conditions: lines(out.Status.Conditions), Status: shownStatus(w.t, g.Status, out.Status)}
	g.Status = out.Status
	if out.Document != nil {
		shown.Document, shown.Secrets = w.shown(out.Document), w.shown(out.Secrets)
	}
	for _, e := range out.KeyEvents {
		shown.KeyEvents = append(shown.KeyEvents, e.Reason+": "+e.Message)
	}
	if out.SigningSecret != nil {
		shown.SigningSecret = w.applySecret(out.SigningSecret)
	}
	switch out.Action {
	case translate.Write:
		if missing := out.Document.Missing(out.Secrets); missing != "" {
			w.t.Errorf("gateway %s: %s is missing", g.Name, missing)
		}
		if in.Previous != nil && in.PreviousSecrets != nil && in.Previous.Missing(in.PreviousSecrets) == "" {
			if missing := in.Previous.Missing(out.Secrets); missing != "" {
				w.t.Errorf("gateway %s: %s of the previous document is pruned too early", g.Name, missing)
			}
		}
		w.documents[out.Secrets.ObjectName()] = out.Secrets
		if !crash {
			w.documents[out.Document.ObjectName()] = out.Document
		}
	case translate.Withdraw:
		delete(w.documents, objectName(serving.KindGateway, g))
		delete(w.documents, objectName(serving.KindGatewaySecrets, g))
	case translate.Keep:
	}
	if same && unchanged(shown.Document, shown.Secrets, shown.SigningSecret) {
		return "unchanged"
	}
	return shown
}

func (w *world) translateClient(c *v1alpha1.OAuthClient, crash bool) any {
	in := translate.ClientInput{
		Client: c, Gateway: w.gateways[c.Spec.GatewayRef.Name], Secret: w.secrets[translate.ClientSecretName(c)],
		PreviousServed: w.served, Uses: w.uses, Remembered: w.remembered[translate.ClientSecretName(c)],
		ExternalURL: w.externalURL, Now: w.now, Generate: w.generate,
	}
	in.Previous, _ = w.documents[objectName(serving.KindClient, c)].(*serving.Client)
	in.Holder = translate.ClientHolder(c, translate.EffectiveClientID(c, in.Secret, in.Previous), values(w.clients), values(w.gateways))
	if in.Gateway != nil {
		_, in.GatewayServed = w.documents[objectName(serving.KindGateway, in.Gateway)]
	}
	out := translate.Client(in)
	same := reflect.DeepEqual(c.Status, out.Status) && out.Issued+out.Shown+out.Restored == ""
	shown := clientShown{Action: out.Action, Issued: out.Issued, Shown: out.Shown, Restored: out.Restored, NextChange: out.NextChange, Conditions: lines(out.Status.Conditions), Status: shownStatus(w.t, c.Status, out.Status)}
	c.Status = out.Status
	if out.Document != nil {
		shown.Document = w.shown(out.Document)
	}
	if out.Secret != nil {
		shown.Secret = w.applySecret(out.Secret)
		if text := out.Secret.Data[v1alpha1.KeyClientSecret]; len(text) > 0 {
			w.remembered[out.Secret.Name] = serving.NewSecret(string(text))
		}
	}
	if out.Action == translate.Withdraw {
		delete(w.documents, objectName(serving.KindClient, c))
	}
	if out.Action == translate.Write && !crash {
		w.documents[out.Document.ObjectName()] = out.Document
	}
	if same && unchanged(shown.Document, shown.Secret) {
		return "unchanged"
	}
	return shown
}

func (w *world) encoded() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for name, d := range w.documents {
		encoded, err := serving.Encode(d)
		if err != nil {
			w.t.Fatal(err)
		}
		all[name] = string(encoded)
	}
	for name, s := range w.secrets {
		all["Secret/"+name] = fmt.Sprint(s.Data)
	}
	return all
}

func objectName(kind serving.Kind, obj metav1.Object) string {
	return serving.Header{Kind: kind, Namespace: obj.GetNamespace(), Name: obj.GetName()}.ObjectName()
}

func values[T any](m map[string]*T) []T {
	var all []T
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, *m[name])
	}
	return all
}
