package translate

import (
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// clientIDPattern is RFC 6749 appendix A.1 without space and colon, as in the schema of spec.clientID.
var clientIDPattern = regexp.MustCompile(`^[!-9;-~]{1,128}$`)

// GatewayHolder answers which other resource among all holds g's gatewayID, as "namespace/name"; empty when g itself may have it. The oldest
// holds it, at equal age the first by namespace and name. A resource that is being deleted holds it until it is gone: its documents may still be served.
func GatewayHolder(g *v1alpha1.MerchantGateway, all []v1alpha1.MerchantGateway) string {
	holder := g
	for i := range all {
		other := &all[i]
		if other.Spec.GatewayID == g.Spec.GatewayID && older(other, holder) {
			holder = other
		}
	}
	if sameResource(holder, g) {
		return ""
	}
	return holder.Namespace + "/" + holder.Name
}

// ClientHolder answers which other resource among all holds the client id on a host and a token path that c's gateway answers on too, as
// "namespace/name"; empty when c itself may have it. A client that is served with the id is not displaced by one that takes it up later: those
// that are served with it come first, and it goes by the same order as GatewayHolder among equals. clientID is c's (see EffectiveClientID);
// that of the others is in their spec or status. A client whose gateway is not among gateways holds nothing and has nothing taken from it.
func ClientHolder(c *v1alpha1.OAuthClient, clientID string, all []v1alpha1.OAuthClient, gateways []v1alpha1.MerchantGateway) string {
	mine := gatewayOf(c, gateways)
	if clientID == "" || mine == nil {
		return ""
	}
	holder := c
	for i := range all {
		other := &all[i]
		if sameResource(other, c) || !slices.Contains(ClaimedClientIDs(other), clientID) || !before(other, holder, clientID) {
			continue
		}
		if theirs := gatewayOf(other, gateways); theirs != nil && shareTokenEndpoint(mine, theirs) {
			holder = other
		}
	}
	if sameResource(holder, c) {
		return ""
	}
	return holder.Namespace + "/" + holder.Name
}

// before says whether a comes before b where both claim the client id.
func before(a, b *v1alpha1.OAuthClient, clientID string) bool {
	if served := servedWith(a, clientID); served != servedWith(b, clientID) {
		return served
	}
	return older(a, b)
}

// servedWith says whether servers know the client by the id: its status lists credentials exactly while it has a document.
func servedWith(c *v1alpha1.OAuthClient, clientID string) bool {
	return c.Status.ClientID == clientID && len(c.Status.Credentials) > 0
}

// ServedClientID answers the client id that c is served with, empty when it is not served.
func ServedClientID(c *v1alpha1.OAuthClient) string {
	if !servedWith(c, c.Status.ClientID) {
		return ""
	}
	return c.Status.ClientID
}

// EffectiveClientID answers the client id that c has or asks for, as far as it is known: that of its spec, of its Existing Secret, of its
// document, of its generated Secret, of its status. It is empty for a new client whose id is still to be generated.
func EffectiveClientID(c *v1alpha1.OAuthClient, secret *corev1.Secret, previous *serving.Client) string {
	if c.Spec.ClientID != "" {
		return c.Spec.ClientID
	}
	from := originOf(c)
	inSecret := ""
	if secret != nil && clientIDPattern.Match(secret.Data[v1alpha1.KeyClientID]) {
		inSecret = string(secret.Data[v1alpha1.KeyClientID])
	}
	switch {
	case inSecret != "" && from == originExisting && useAllowed(secret):
		return inSecret
	case previous != nil:
		return previous.ClientID
	case inSecret != "" && from == originGenerated && generatedFor(secret, c, kindOAuthClient):
		return inSecret
	default:
		return c.Status.ClientID
	}
}

// ClaimedClientIDs answers the client ids that are c's as far as others are concerned: the one it asks for, and the one it is served
// with, which is another while what it asks for stands against something.
func ClaimedClientIDs(c *v1alpha1.OAuthClient) []string {
	ids := []string{c.Spec.ClientID, c.Status.ClientID}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

func gatewayOf(c *v1alpha1.OAuthClient, gateways []v1alpha1.MerchantGateway) *v1alpha1.MerchantGateway {
	i := slices.IndexFunc(gateways, func(g v1alpha1.MerchantGateway) bool {
		return g.Namespace == c.Namespace && g.Name == c.Spec.GatewayRef.Name
	})
	if i < 0 {
		return nil
	}
	return &gateways[i]
}

// shareTokenEndpoint says whether some token request would be for both: then a client id must tell whose it is.
func shareTokenEndpoint(a, b *v1alpha1.MerchantGateway) bool {
	anyHost := len(a.Spec.Hostnames) == 0 || len(b.Spec.Hostnames) == 0
	sameHost := slices.ContainsFunc(a.Spec.Hostnames, func(h v1alpha1.Hostname) bool { return slices.Contains(b.Spec.Hostnames, h) })
	if !anyHost && !sameHost {
		return false
	}
	return slices.ContainsFunc(a.Spec.TokenEndpoints, func(e v1alpha1.TokenEndpoint) bool {
		return slices.ContainsFunc(b.Spec.TokenEndpoints, func(o v1alpha1.TokenEndpoint) bool { return o.Path == e.Path })
	})
}

// older says whether a comes before b. A resource is not older than itself, whatever its copies say.
func older(a, b metav1.Object) bool {
	if sameResource(a, b) {
		return false
	}
	at, bt := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	if !at.Equal(&bt) {
		return at.Before(&bt)
	}
	if a.GetNamespace() != b.GetNamespace() {
		return a.GetNamespace() < b.GetNamespace()
	}
	return a.GetName() < b.GetName()
}

func sameResource(a, b metav1.Object) bool {
	return a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}
