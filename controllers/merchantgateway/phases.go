package merchantgateway

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/lifecycle"
	"github.com/d1gateway/d1gateway/controllers/internal/ownedsecret"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// program writes what follows from the resource, in the order that a crash between two writes does no harm: the delivery signing secret
// that backends verify with, the material that documents name, and then the document that names it.
func (r *Reconciler) program(ctx context.Context, gateway *v1alpha1.MerchantGateway, f found, out translate.GatewayOutput) error {
	if err := lifecycle.Hold(ctx, r.Client, gateway, "MerchantGateway"); err != nil {
		return err
	}
	switch out.Action {
	case translate.Write:
		if secret := out.SigningSecret; secret != nil {
			current := f.input.Secrets[secret.Name]
			if err := ownedsecret.Write(ctx, r.Client, current, secret); err != nil {
				return err
			}
			r.announceSigningSecret(gateway, current, secret)
		}
		if err := r.Documents.Write(ctx, out.Secrets, f.secrets); err != nil {
			return err
		}
		return r.Documents.Write(ctx, out.Document, f.document)
	case translate.Withdraw:
		withdrawn, err := r.withdraw(ctx, client.ObjectKeyFromObject(gateway))
		if withdrawn {
			r.announceWithdrawal(gateway)
		}
		return err
	case translate.Keep:
		return r.dropFormer(ctx, gateway, f)
	default:
		return fmt.Errorf("action %q is unknown", out.Action)
	}
}

func (r *Reconciler) withdraw(ctx context.Context, gateway types.NamespacedName) (bool, error) {
	return r.Documents.Withdraw(ctx, gateway, serving.KindGateway, serving.KindGatewaySecrets)
}

// dropFormer deletes documents that were made from an earlier gateway of this name: nobody answers for what they serve.
func (r *Reconciler) dropFormer(ctx context.Context, gateway *v1alpha1.MerchantGateway, f found) error {
	if !f.document.Former && !f.secrets.Former {
		return nil
	}
	_, err := r.withdraw(ctx, client.ObjectKeyFromObject(gateway))
	return err
}

// finalize deletes the documents of a gateway that is being deleted, and lets it go.
func (r *Reconciler) finalize(ctx context.Context, gateway *v1alpha1.MerchantGateway) error {
	return lifecycle.Release(ctx, r.Client, gateway, func() error {
		_, err := r.withdraw(ctx, client.ObjectKeyFromObject(gateway))
		return err
	})
}

// forget deletes the documents of a gateway that is gone.
func (r *Reconciler) forget(ctx context.Context, key types.NamespacedName) error {
	return lifecycle.Forget(ctx, r.Live, key, &v1alpha1.MerchantGateway{}, func() error {
		_, err := r.withdraw(ctx, key)
		return err
	})
}
