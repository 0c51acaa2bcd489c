// Package index names the cache indexes by which the reconcilers find what a change concerns, so that ten thousand clients cost no scan.
package index

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// The indexes.
const (
	// GatewaysByID finds MerchantGateways by spec.gatewayID, in all namespaces.
	GatewaysByID = "spec.gatewayID"
	// GatewaysBySecret finds MerchantGateways by the names of the Secrets they read.
	GatewaysBySecret = "secretNames"
	// ClientsByID finds OAuthClients by the client id they claim, in all namespaces.
	ClientsByID = "claimedClientID"
	// ClientsByGateway finds OAuthClients by spec.gatewayRef.name.
	ClientsByGateway = "spec.gatewayRef.name"
	// ClientsBySecret finds OAuthClients by the name of the Secret that holds their credentials.
	ClientsBySecret = "credentialsSecretName"
)

// Register adds the indexes to a cache that has not started yet.
func Register(ctx context.Context, indexer client.FieldIndexer) error {
	gateway := func(keys func(*v1alpha1.MerchantGateway) []string) client.IndexerFunc {
		return func(object client.Object) []string {
			g, ok := object.(*v1alpha1.MerchantGateway)
			if !ok {
				return nil
			}
			return keys(g)
		}
	}
	oauthClient := func(keys func(*v1alpha1.OAuthClient) []string) client.IndexerFunc {
		return func(object client.Object) []string {
			c, ok := object.(*v1alpha1.OAuthClient)
			if !ok {
				return nil
			}
			return keys(c)
		}
	}
	for _, one := range []struct {
		object  client.Object
		name    string
		indexer client.IndexerFunc
	}{
		{&v1alpha1.MerchantGateway{}, GatewaysByID, gateway(func(g *v1alpha1.MerchantGateway) []string { return []string{g.Spec.GatewayID} })},
		{&v1alpha1.MerchantGateway{}, GatewaysBySecret, gateway(translate.GatewaySecretNames)},
		{&v1alpha1.OAuthClient{}, ClientsByID, oauthClient(translate.ClaimedClientIDs)},
		{&v1alpha1.OAuthClient{}, ClientsByGateway, oauthClient(func(c *v1alpha1.OAuthClient) []string { return []string{c.Spec.GatewayRef.Name} })},
		{&v1alpha1.OAuthClient{}, ClientsBySecret, oauthClient(secretOf)},
	} {
		if err := indexer.IndexField(ctx, one.object, one.name, one.indexer); err != nil {
			return fmt.Errorf("adding index %s: %w", one.name, err)
		}
	}
	return nil
}

// secretOf answers the Secret that holds a client's credentials; those of some clients are in none.
func secretOf(c *v1alpha1.OAuthClient) []string {
	if name := translate.ClientSecretName(c); name != "" {
		return []string{name}
	}
	return nil
}
