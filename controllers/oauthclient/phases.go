package oauthclient

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

// program writes what follows from the resource. The Secret comes first: after a crash between the two, the new secret is found in it and
// taken into the document. The other way round its plain text would be lost.
func (r *Reconciler) program(ctx context.Context, resource *v1alpha1.OAuthClient, f found, out translate.ClientOutput) error {
	if err := lifecycle.Hold(ctx, r.Client, resource, "OAuthClient"); err != nil {
		return err
	}
	switch out.Action {
	case translate.Write:
		if out.Secret != nil {
			if err := ownedsecret.Write(ctx, r.Client, f.input.Secret, out.Secret); err != nil {
				return err
			}
		}
		if err := r.Documents.Write(ctx, out.Document, f.document); err != nil {
			return err
		}
		r.announceIssued(resource, out.Issued)
		return nil
	case translate.Withdraw:
		withdrawn, err := r.withdraw(ctx, client.ObjectKeyFromObject(resource))
		if withdrawn {
			r.announceWithdrawal(resource)
		}
		return err
	case translate.Keep:
		return r.dropFormer(ctx, resource, f)
	default:
		return fmt.Errorf("action %q is unknown", out.Action)
	}
}

func (r *Reconciler) withdraw(ctx context.Context, resource types.NamespacedName) (bool, error) {
	return r.Documents.Withdraw(ctx, resource, serving.KindClient)
}

// dropFormer deletes a document that was made from an earlier client of this name: nobody answers for its secrets.
func (r *Reconciler) dropFormer(ctx context.Context, resource *v1alpha1.OAuthClient, f found) error {
	if !f.document.Former {
		return nil
	}
	_, err := r.withdraw(ctx, client.ObjectKeyFromObject(resource))
	return err
}

// finalize deletes the document of a client that is being deleted, which ends its tokens, and lets it go. A generated Secret is owned
// by the resource and goes with it.
func (r *Reconciler) finalize(ctx context.Context, resource *v1alpha1.OAuthClient) error {
	return lifecycle.Release(ctx, r.Client, resource, func() error {
		_, err := r.withdraw(ctx, client.ObjectKeyFromObject(resource))
		return err
	})
}

// forget deletes the document of a client that is gone: no credential outlives its resource.
func (r *Reconciler) forget(ctx context.Context, key types.NamespacedName) error {
	return lifecycle.Forget(ctx, r.Live, key, &v1alpha1.OAuthClient{}, func() error {
		_, err := r.withdraw(ctx, key)
		return err
	})
}
