package merchantgateway

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/index"
	"github.com/d1gateway/d1gateway/controllers/internal/ownedsecret"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// found is what one reconcile has read: the input of the translation, and where it came from.
type found struct {
	input    translate.GatewayInput
	document documents.Stored
	secrets  documents.Stored
}

func (r *Reconciler) gather(ctx context.Context, gateway *v1alpha1.MerchantGateway) (found, error) {
	holder, err := r.holder(ctx, gateway)
	if err != nil {
		return found{}, err
	}
	secrets, err := r.secrets(ctx, gateway)
	if err != nil {
		return found{}, err
	}
	f := found{input: translate.GatewayInput{
		Gateway:     gateway,
		Holder:      holder,
		Secrets:     secrets,
		ExternalURL: r.ExternalURL,
		Now:         r.Now(),
		Generate:    r.Generate,
	}}
	if f.document, err = r.stored(ctx, serving.KindGateway, gateway); err != nil {
		return found{}, err
	}
	if f.secrets, err = r.stored(ctx, serving.KindGatewaySecrets, gateway); err != nil {
		return found{}, err
	}
	f.input.Previous, _ = f.document.Document.(*serving.Gateway)
	f.input.PreviousSecrets, _ = f.secrets.Document.(*serving.GatewaySecrets)
	needs := r.needs(gateway, f.secrets.Version, f.document.Version)
	if standing := r.Replicas.Standing(needs); f.input.Previous != nil {
		f.input.Unserved = standing.Live > 0 && !standing.Served()
		f.input.PreviousServed = len(needs) > 0 && f.document.Drift == "" && f.secrets.Drift == "" && standing.Served()
	}
	f.input.Uses = r.Replicas.Uses(r.Documents.Key(serving.KindGateway, gateway).Name)
	return f, nil
}

// holder answers the older gateway that holds the gatewayID, or "".
func (r *Reconciler) holder(ctx context.Context, gateway *v1alpha1.MerchantGateway) (string, error) {
	var same v1alpha1.MerchantGatewayList
	if err := r.Client.List(ctx, &same, client.MatchingFields{index.GatewaysByID: gateway.Spec.GatewayID}); err != nil {
		return "", fmt.Errorf("looking up MerchantGateways of the same gatewayID: %w", err)
	}
	return translate.GatewayHolder(gateway, same.Items), nil
}

func (r *Reconciler) secrets(ctx context.Context, gateway *v1alpha1.MerchantGateway) (map[string]*corev1.Secret, error) {
	secrets := map[string]*corev1.Secret{}
	for _, name := range translate.GatewaySecretNames(gateway) {
		secret, err := ownedsecret.Read(ctx, r.Client, types.NamespacedName{Namespace: gateway.Namespace, Name: name})
		if err != nil {
			return nil, err
		}
		if secret != nil {
			secrets[name] = secret
		}
	}
	return secrets, nil
}

func (r *Reconciler) stored(ctx context.Context, kind serving.Kind, gateway *v1alpha1.MerchantGateway) (documents.Stored, error) {
	stored, err := r.Documents.Read(ctx, kind, gateway)
	if err != nil {
		return documents.Stored{}, err
	}
	if stored.Damage != nil {
		log.FromContext(ctx).Error(stored.Damage, "Serving document cannot be read, it is written anew", "kind", kind)
	}
	if stored.Former {
		log.FromContext(ctx).Info("Serving document is of an earlier resource of this name, it is not used", "kind", kind)
	}
	return stored, nil
}
