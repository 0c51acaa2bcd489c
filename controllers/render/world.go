package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// Kinds of the resources.
const (
	kindGateway = "MerchantGateway"
	kindClient  = "OAuthClient"
)

// world is all that one run knows. It stands where the API server and the reconcilers stand in a cluster.
type world struct {
	*manifests
	directory   *directory
	externalURL string
	now         time.Time
	generate    translate.Generator
	stdout      io.Writer
}

// render renders every gateway and then every client, and says whether all are Ready.
func (w *world) render() (bool, error) {
	byName := func(a, b metav1.Object) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	}
	slices.SortFunc(w.gateways, func(a, b v1alpha1.MerchantGateway) int { return byName(&a, &b) })
	slices.SortFunc(w.clients, func(a, b v1alpha1.OAuthClient) int { return byName(&a, &b) })
	ready := true
	for i := range w.gateways {
		ok, err := w.renderGateway(&w.gateways[i])
		if err != nil {
			return false, err
		}
		ready = ready && ok
	}
	for i := range w.clients {
		// Outside a cluster the status of an earlier run is not kept; the claim to a client id is found again.
		c := &w.clients[i]
		c.Status.ClientID = translate.EffectiveClientID(c, w.secret(c.Namespace, translate.ClientSecretName(c)), w.previousClient(c))
	}
	for i := range w.clients {
		ok, err := w.renderClient(&w.clients[i])
		if err != nil {
			return false, err
		}
		ready = ready && ok
	}
	return ready, nil
}

func (w *world) renderGateway(g *v1alpha1.MerchantGateway) (bool, error) {
	out := w.translateGateway(g)
	g.Status = out.Status
	switch out.Action {
	case translate.Write:
		if err := w.writeGateway(out); err != nil {
			return false, err
		}
		// Now that the document is written, new material that it names is shown, and what only the one before it named is pruned.
		if err := w.writeGateway(w.translateGateway(g)); err != nil {
			return false, err
		}
	case translate.Withdraw:
		for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
			if err := w.directory.removeDocument(objectName(kind, g)); err != nil {
				return false, err
			}
		}
	case translate.Keep:
	}
	w.report(kindGateway, g, out.Status.Conditions)
	return meta.IsStatusConditionTrue(out.Status.Conditions, v1alpha1.ConditionReady), nil
}

func (w *world) translateGateway(g *v1alpha1.MerchantGateway) translate.GatewayOutput {
	in := translate.GatewayInput{
		Gateway: g,
		Holder:  translate.GatewayHolder(g, w.gateways),
		Secrets: map[string]*corev1.Secret{},
		// There are no server replicas to wait for: see translateClient.
		PreviousServed: true,
		ExternalURL:    w.externalURL,
		Now:            w.now,
		Generate:       w.generate,
	}
	for _, name := range translate.GatewaySecretNames(g) {
		if secret := w.secret(g.Namespace, name); secret != nil {
			in.Secrets[name] = secret
		}
	}
	in.Previous, _ = w.directory.documents[objectName(serving.KindGateway, g)].(*serving.Gateway)
	in.PreviousSecrets, _ = w.directory.documents[objectName(serving.KindGatewaySecrets, g)].(*serving.GatewaySecrets)
	return translate.Gateway(in)
}

// writeGateway writes what documents name before the document that names it.
func (w *world) writeGateway(out translate.GatewayOutput) error {
	if out.Action != translate.Write {
		return nil
	}
	if out.SigningSecret != nil {
		if err := w.directory.writeGenerated(out.SigningSecret); err != nil {
			return err
		}
	}
	if err := w.directory.writeDocument(out.Secrets); err != nil {
		return err
	}
	return w.directory.writeDocument(out.Document)
}

func (w *world) renderClient(c *v1alpha1.OAuthClient) (bool, error) {
	out := w.translateClient(c)
	if err := w.writeClient(c, out); err != nil {
		return false, err
	}
	if out.Action == translate.Write {
		// A new secret is shown once the document that lists it is written.
		c.Status = out.Status
		out = w.translateClient(c)
		if err := w.writeClient(c, out); err != nil {
			return false, err
		}
	}
	w.report(kindClient, c, out.Status.Conditions)
	return meta.IsStatusConditionTrue(out.Status.Conditions, v1alpha1.ConditionReady), nil
}

// translateClient has no server replicas to wait for: servers read the directory when they are started, or told to.
func (w *world) translateClient(c *v1alpha1.OAuthClient) translate.ClientOutput {
	in := translate.ClientInput{
		Client:         c,
		Holder:         translate.ClientHolder(c, c.Status.ClientID, w.clients, w.gateways),
		Secret:         w.secret(c.Namespace, translate.ClientSecretName(c)),
		Previous:       w.previousClient(c),
		PreviousServed: true,
		ExternalURL:    w.externalURL,
		Now:            w.now,
		Generate:       w.generate,
	}
	for i := range w.gateways {
		if g := &w.gateways[i]; g.Namespace == c.Namespace && g.Name == c.Spec.GatewayRef.Name {
			in.Gateway = g
			_, in.GatewayServed = w.directory.documents[objectName(serving.KindGateway, g)]
		}
	}
	return translate.Client(in)
}

// writeClient writes the Secret before the document that lists what is in it.
func (w *world) writeClient(c *v1alpha1.OAuthClient, out translate.ClientOutput) error {
	if out.Secret != nil {
		if err := w.directory.writeGenerated(out.Secret); err != nil {
			return err
		}
	}
	switch out.Action {
	case translate.Write:
		return w.directory.writeDocument(out.Document)
	case translate.Withdraw:
		return w.directory.removeDocument(objectName(serving.KindClient, c))
	default:
		return nil
	}
}

func (w *world) previousClient(c *v1alpha1.OAuthClient) *serving.Client {
	previous, _ := w.directory.documents[objectName(serving.KindClient, c)].(*serving.Client)
	return previous
}

// secret answers the Secret of the manifests, else the one that an earlier run generated, else nil.
func (w *world) secret(namespace, name string) *corev1.Secret {
	if secret := w.secrets[namespace+"/"+name]; secret != nil {
		return secret
	}
	return w.directory.generated[namespace+"/"+name]
}

func (w *world) report(kind string, obj metav1.Object, conditions []metav1.Condition) {
	file := w.files[keyOf(kind, obj.GetNamespace(), obj.GetName())]
	for _, c := range conditions {
		line := fmt.Sprintf("%s: %s %s/%s: %s=%s %s: %s\n", file, kind, obj.GetNamespace(), obj.GetName(), c.Type, c.Status, c.Reason, c.Message)
		_, _ = fmt.Fprint(w.stdout, serving.MaskCardNumbers(line))
	}
}

// removeGone removes the documents and generated Secrets of resources that are no longer in the manifests: clients first, so that none is
// served by a gateway that is half removed.
func (w *world) removeGone() error {
	kinds := map[serving.Kind]string{serving.KindClient: kindClient, serving.KindGateway: kindGateway, serving.KindGatewaySecrets: kindGateway}
	for _, kind := range []serving.Kind{serving.KindClient, serving.KindGateway, serving.KindGatewaySecrets} {
		for name, document := range w.directory.documents {
			head := document.Head()
			if _, there := w.files[keyOf(kinds[kind], head.Namespace, head.Name)]; there || head.Kind != kind {
				continue
			}
			if err := w.directory.removeDocument(name); err != nil {
				return err
			}
		}
	}
	for _, secret := range w.directory.generated {
		kind, name, _ := cutOwner(secret)
		if _, there := w.files[keyOf(kind, secret.Namespace, name)]; there {
			continue
		}
		if err := w.directory.removeGenerated(secret); err != nil {
			return err
		}
	}
	return nil
}

func objectName(kind serving.Kind, obj metav1.Object) string {
	return serving.Header{Kind: kind, Namespace: obj.GetNamespace(), Name: obj.GetName()}.ObjectName()
}

// cutOwner answers the kind and name of the resource that a generated Secret was made for.
func cutOwner(secret *corev1.Secret) (kind, name string, ok bool) {
	return strings.Cut(secret.Annotations[translate.AnnotationGeneratedFor], "/")
}
