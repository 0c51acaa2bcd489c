package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func deliverySecretName(g *v1alpha1.MerchantGateway) string { return g.Name + "-delivery-signing" }

// generatedDeliverySecrets answers the secrets that sign where no delivery.signing says otherwise, the current one first. What the Secret holds
// is kept; when it was lost, what servers sign with is restored, so that the backends that verify need not change.
func (r *references) generatedDeliverySecrets(in GatewayInput) []serving.Secret {
	name := deliverySecretName(in.Gateway)
	secret := in.Secrets[name]
	if secret != nil && !generatedFor(secret, in.Gateway, kindMerchantGateway) {
		r.report(problemAt(field.NewPath("spec", "delivery", "signing"), v1alpha1.ReasonSecretNotOwned,
			"Secret %q, where the generated signing secret belongs, was not made for this MerchantGateway and is not touched; name it in secretRef to use it, or remove it", name))
		return nil
	}
	if secret != nil {
		if current, err := parseSigningSecret(secret.Data, v1alpha1.KeySigningSecret); err == nil {
			// A person rotates the generated secret by hand like their own: both sign while the previous one is there.
			if len(secret.Data[v1alpha1.KeyPreviousSigningSecret]) == 0 {
				return []serving.Secret{current}
			}
			previous, err := parseSigningSecret(secret.Data, v1alpha1.KeyPreviousSigningSecret)
			if err != nil {
				r.report(problemAt(field.NewPath("spec", "delivery", "signing"), v1alpha1.ReasonSecretInvalid, "generated Secret %q: %v", name, err))
				return []serving.Secret{current}
			}
			return []serving.Secret{current, previous}
		}
	}
	if known, ok := knownDeliverySecret(in); ok {
		return []serving.Secret{known}
	}
	return nil
}

// knownDeliverySecret answers the generated secret that servers sign with.
func knownDeliverySecret(in GatewayInput) (serving.Secret, bool) {
	if in.PreviousSecrets == nil {
		return serving.Secret{}, false
	}
	// The order in which the previous document names them puts the current one first.
	var named []string
	if in.Previous != nil {
		named = materialNamedBy(in.Previous)
	}
	var found serving.Secret
	best := len(named) + 1
	for _, s := range in.PreviousSecrets.SigningSecrets {
		if !strings.HasPrefix(s.ID, generatedSigningSecret+"-") {
			continue
		}
		rank := slices.Index(named, s.ID)
		if rank < 0 {
			rank = len(named)
		}
		if rank < best {
			found, best = s.Secret, rank
		}
	}
	return found, !found.IsZero()
}

// deliverySecretObject answers the Secret that shows backends what to verify with.
func deliverySecretObject(g *v1alpha1.MerchantGateway, secrets []serving.Secret) *corev1.Secret {
	data := map[string][]byte{v1alpha1.KeySigningSecret: []byte(secrets[0].Reveal())}
	if len(secrets) > 1 {
		data[v1alpha1.KeyPreviousSigningSecret] = []byte(secrets[1].Reveal())
	}
	return generatedSecret(deliverySecretName(g), g, kindMerchantGateway, data)
}
