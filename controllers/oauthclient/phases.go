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
	"github.com/d1gateway/d1gateway/controllers/internal/replicas"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// program writes what follows from the resource. The Secret comes first: after a crash between the two, the new secret is found in it and
// taken into the document. The other way round its plain text would be lost.
//
// The answer is what the server replicas must serve for the client to be programmed.
func (r *Reconciler) program(ctx context.Context, resource *v1alpha1.OAuthClient, f found, out translate.ClientOutput) ([]replicas.Need, error) {
	if err := lifecycle.Hold(ctx, r.Client, resource, "OAuthClient"); err != nil {
		return nil, err
	}
	switch out.Action {
	case translate.Write:
		if out.Secret != nil {
			if err := ownedsecret.Write(ctx, r.Client, f.input.Secret, out.Secret); err != nil {
				return nil, err
			}
			r.Remembered.wrote(resource, out.Secret)
		}
		version, err := r.Documents.Write(ctx, resource, out.Document, f.document)
		if err != nil {
			return nil, err
		}
		r.announceSecret(resource, f.input.Previous, out)
		if f.document.Drift == "" {
			r.announceState(resource, f.input.Previous, out.Document)
		}
		return append(f.gatewayNeeds, r.need(resource, version)), nil
	case translate.Withdraw:
		withdrawn, err := r.withdraw(ctx, client.ObjectKeyFromObject(resource))
		if withdrawn {
			r.announceWithdrawal(resource)
		}
		return nil, err
	case translate.Keep:
		return nil, r.keep(ctx, resource, f)
	default:
		return nil, fmt.Errorf("action %q is unknown", out.Action)
	}
}

// keep leaves the last good document, as it was before anybody else changed it.
func (r *Reconciler) keep(ctx context.Context, resource *v1alpha1.OAuthClient, f found) error {
	if f.document.Drift != "" && f.document.Document != nil {
		_, err := r.Documents.Write(ctx, resource, f.document.Document, f.document)
		return err
	}
	return r.dropFormer(ctx, resource, f)
}

func (r *Reconciler) need(resource *v1alpha1.OAuthClient, version string) replicas.Need {
	return replicas.Need{Kind: serving.KindClient, Object: r.Documents.Key(serving.KindClient, resource).Name, Version: version}
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
	key := client.ObjectKeyFromObject(resource)
	r.Replicas.Leave(serving.KindClient, key)
	r.Remembered.forget(key)
	return lifecycle.Release(ctx, r.Client, resource, func() error {
		withdrawn, err := r.withdraw(ctx, key)
		if withdrawn {
			r.announceWithdrawal(resource)
		}
		return err
	})
}

// forget deletes the document of a client that is gone: no credential outlives its resource.
func (r *Reconciler) forget(ctx context.Context, key types.NamespacedName) error {
	r.Replicas.Leave(serving.KindClient, key)
	r.Remembered.forget(key)
	return lifecycle.Forget(ctx, r.Live, key, &v1alpha1.OAuthClient{}, func() error {
		_, err := r.withdraw(ctx, key)
		return err
	})
}
