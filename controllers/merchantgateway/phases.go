package merchantgateway

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/lifecycle"
	"github.com/d1gateway/d1gateway/controllers/internal/ownedsecret"
	"github.com/d1gateway/d1gateway/controllers/internal/replicas"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// program writes what follows from the resource, in the order that a crash between two writes does no harm: the delivery signing secret
// that backends verify with, the material that documents name, and then the document that names it.
//
// The answer is what the server replicas must serve for the gateway to be programmed.
func (r *Reconciler) program(ctx context.Context, gateway *v1alpha1.MerchantGateway, f found, out translate.GatewayOutput) ([]replicas.Need, error) {
	if err := lifecycle.Hold(ctx, r.Client, gateway, "MerchantGateway"); err != nil {
		return nil, err
	}
	switch out.Action {
	case translate.Write:
		if secret := out.SigningSecret; secret != nil {
			current := f.input.Secrets[secret.Name]
			if err := ownedsecret.Write(ctx, r.Client, current, secret); err != nil {
				return nil, err
			}
			r.announceSigningSecret(gateway, current, secret)
		}
		secrets, err := r.Documents.Write(ctx, gateway, out.Secrets, f.secrets)
		if err != nil {
			return nil, err
		}
		document, err := r.Documents.Write(ctx, gateway, out.Document, f.document)
		if err != nil {
			return nil, err
		}
		r.announceKeys(gateway, out.KeyEvents)
		return r.needs(gateway, secrets, document), nil
	case translate.Withdraw:
		withdrawn, err := r.withdraw(ctx, client.ObjectKeyFromObject(gateway))
		if withdrawn {
			r.announceWithdrawal(gateway)
		}
		return nil, err
	case translate.Keep:
		return r.keep(ctx, gateway, f)
	default:
		return nil, fmt.Errorf("action %q is unknown", out.Action)
	}
}

// needs answers the two documents in their versions; none where there are not both.
func (r *Reconciler) needs(gateway *v1alpha1.MerchantGateway, secrets, document string) []replicas.Need {
	if secrets == "" || document == "" {
		return nil
	}
	return []replicas.Need{r.need(serving.KindGatewaySecrets, gateway, secrets), r.need(serving.KindGateway, gateway, document)}
}

// keep leaves the last good documents, as they were before anybody else changed them.
func (r *Reconciler) keep(ctx context.Context, gateway *v1alpha1.MerchantGateway, f found) ([]replicas.Need, error) {
	for _, stored := range []*documents.Stored{&f.secrets, &f.document} {
		if stored.Drift == "" || stored.Document == nil {
			continue
		}
		version, err := r.Documents.Write(ctx, gateway, stored.Document, *stored)
		if err != nil {
			return nil, err
		}
		stored.Version = version
	}
	return r.needs(gateway, f.secrets.Version, f.document.Version), r.dropFormer(ctx, gateway, f)
}

func (r *Reconciler) need(kind serving.Kind, gateway *v1alpha1.MerchantGateway, version string) replicas.Need {
	return replicas.Need{Kind: kind, Object: r.Documents.Key(kind, gateway).Name, Version: version}
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

// finalize ends a gateway that is being deleted: D1 is not answered any more, and when nothing waits to be delivered the documents are deleted and
// the resource is let go.
func (r *Reconciler) finalize(ctx context.Context, gateway *v1alpha1.MerchantGateway) (ctrl.Result, error) {
	key := client.ObjectKeyFromObject(gateway)
	r.Replicas.Leave(serving.KindGateway, key)
	drained, err := r.drain(ctx, gateway)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !drained.done {
		return ctrl.Result{RequeueAfter: drainLook}, r.updateStatus(ctx, gateway, drained.status, nil)
	}
	return ctrl.Result{}, lifecycle.Release(ctx, r.Client, gateway, func() error {
		withdrawn, err := r.withdraw(ctx, key)
		if withdrawn {
			r.announceWithdrawal(gateway)
			r.announceDiscarded(gateway)
		}
		return err
	})
}

// forget deletes the documents of a gateway that is gone.
func (r *Reconciler) forget(ctx context.Context, key types.NamespacedName) error {
	r.Replicas.Leave(serving.KindGateway, key)
	return lifecycle.Forget(ctx, r.Live, key, &v1alpha1.MerchantGateway{}, func() error {
		_, err := r.withdraw(ctx, key)
		return err
	})
}
