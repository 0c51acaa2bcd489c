package oauthclient

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/index"
	"github.com/d1gateway/d1gateway/controllers/internal/ownedsecret"
	"github.com/d1gateway/d1gateway/controllers/internal/replicas"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// found is what one reconcile has read: the input of the translation, and where it came from.
type found struct {
	input    translate.ClientInput
	document documents.Stored
	// gatewayNeeds are the documents of the gateway without which no replica serves the client.
	gatewayNeeds []replicas.Need
}

func (r *Reconciler) gather(ctx context.Context, resource *v1alpha1.OAuthClient) (found, error) {
	f := found{input: translate.ClientInput{
		Client:      resource,
		ExternalURL: r.ExternalURL,
		Now:         r.Now(),
		Generate:    r.Generate,
	}}
	gateway, err := r.gatewayOf(ctx, resource)
	if err != nil {
		return found{}, err
	}
	// A gateway that is being deleted is as good as gone: nothing is to be written for it any more.
	f.input.GatewayDeleted = gateway != nil && !gateway.DeletionTimestamp.IsZero()
	if gateway != nil && !f.input.GatewayDeleted {
		f.input.Gateway = gateway
		if f.gatewayNeeds, err = r.needsOf(ctx, gateway); err != nil {
			return found{}, err
		}
		f.input.GatewayServed = len(f.gatewayNeeds) > 0
	}
	if f.input.Secret, err = r.secret(ctx, resource); err != nil {
		return found{}, err
	}
	if f.document, err = r.stored(ctx, resource); err != nil {
		return found{}, err
	}
	f.input.Previous, _ = f.document.Document.(*serving.Client)
	f.input.PreviousServed = f.input.Previous != nil && f.document.Drift == "" && r.Replicas.Served(r.need(resource, f.document.Version))
	f.input.Uses = r.Replicas.Uses(r.Documents.Key(serving.KindClient, resource).Name)
	f.input.Remembered, f.input.RememberedPrevious = r.Remembered.of(resource)
	if f.input.Secret != nil && translate.IsGenerated(f.input.Secret, resource) {
		r.Remembered.saw(resource, f.input.Secret, f.input.Previous)
	}
	f.input.Holder, err = r.holder(ctx, f.input)
	return f, err
}

// needsOf answers the documents of a gateway as they were last seen; none when it has no Gateway document.
func (r *Reconciler) needsOf(ctx context.Context, gateway *v1alpha1.MerchantGateway) ([]replicas.Need, error) {
	var needs []replicas.Need
	for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
		key := r.Documents.Key(kind, gateway)
		version, err := documents.Version(ctx, r.Watched, kind, key)
		if err != nil {
			return nil, err
		}
		if version == "" {
			return nil, nil
		}
		needs = append(needs, replicas.Need{Kind: kind, Object: key.Name, Version: version})
	}
	return needs, nil
}

// gatewayOf answers the gateway that a client refers to, or nil.
func (r *Reconciler) gatewayOf(ctx context.Context, resource *v1alpha1.OAuthClient) (*v1alpha1.MerchantGateway, error) {
	gateway := &v1alpha1.MerchantGateway{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: resource.Namespace, Name: resource.Spec.GatewayRef.Name}, gateway)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading MerchantGateway: %w", err)
	}
	return gateway, nil
}

// holder answers the other client that holds the client id on the same host and token path, or "".
func (r *Reconciler) holder(ctx context.Context, in translate.ClientInput) (string, error) {
	id := translate.EffectiveClientID(in.Client, in.Secret, in.Previous)
	if id == "" || in.Gateway == nil {
		return "", nil
	}
	var same v1alpha1.OAuthClientList
	if err := r.Client.List(ctx, &same, client.MatchingFields{index.ClientsByID: id}); err != nil {
		return "", fmt.Errorf("looking up OAuthClients of the same client id: %w", err)
	}
	gateways := []v1alpha1.MerchantGateway{*in.Gateway}
	for i := range same.Items {
		gateway, err := r.gatewayOf(ctx, &same.Items[i])
		if err != nil {
			return "", err
		}
		if gateway != nil {
			gateways = append(gateways, *gateway)
		}
	}
	return translate.ClientHolder(in.Client, id, same.Items, gateways), nil
}

// isNew says that nothing has been written for the client: the finalizer comes before everything else. Of such a client the caches may be asked what
// is there: a Secret that they have missed is not overwritten, and a document could only be a former client's.
func isNew(resource *v1alpha1.OAuthClient) bool {
	return !controllerutil.ContainsFinalizer(resource, v1alpha1.Finalizer)
}

// secret answers the Secret that decides about a client; nil when there is none.
func (r *Reconciler) secret(ctx context.Context, resource *v1alpha1.OAuthClient) (*corev1.Secret, error) {
	key := types.NamespacedName{Namespace: resource.Namespace, Name: translate.ClientSecretName(resource)}
	if key.Name == "" {
		return nil, nil
	}
	if isNew(resource) && resource.Spec.Credentials.Source == v1alpha1.CredentialsGenerated {
		metadata := &metav1.PartialObjectMetadata{}
		metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		if err := r.Cached.Get(ctx, key, metadata); apierrors.IsNotFound(err) {
			return nil, nil
		}
	}
	return ownedsecret.Read(ctx, r.Client, key)
}

func (r *Reconciler) stored(ctx context.Context, resource *v1alpha1.OAuthClient) (documents.Stored, error) {
	if isNew(resource) {
		version, err := documents.Version(ctx, r.Watched, serving.KindClient, r.Documents.Key(serving.KindClient, resource))
		if err != nil || version == "" {
			return documents.Stored{}, err
		}
	}
	stored, err := r.Documents.Read(ctx, serving.KindClient, resource)
	if err != nil {
		return documents.Stored{}, err
	}
	if stored.Damage != nil {
		log.FromContext(ctx).Error(stored.Damage, "Serving document cannot be read, it is written anew", "kind", serving.KindClient)
	}
	if stored.Former {
		log.FromContext(ctx).Info("Serving document is of an earlier resource of this name, it is not used", "kind", serving.KindClient)
	}
	return stored, nil
}
