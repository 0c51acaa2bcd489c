// Package translate turns resources into serving documents and conditions. It is pure: what it needs to know is in its input, the time and
// the source of new keys included; it has no client, clock or logger. `controllers render` and the reconcilers call the same functions.
package translate

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Action says what becomes of the serving documents of a resource.
type Action string

// The actions.
const (
	// Write the documents of the output.
	Write Action = "Write"
	// Keep what is there: the resource cannot be served as it is now, its last good documents (if any) serve on.
	Keep Action = "Keep"
	// Withdraw deletes the documents: the resource must not be served.
	Withdraw Action = "Withdraw"
)

// Generator makes what nobody may guess. New answers the real one; tests use a fixed one.
type Generator interface {
	// ClientID answers a new OAuth client id.
	ClientID() string
	// ClientSecret answers 43 characters of [A-Za-z0-9]: 256 bits of randomness.
	ClientSecret() serving.Secret
	// DeliverySecret answers a Standard Webhooks secret: "whsec_" and the base64 of 32 bytes.
	DeliverySecret() serving.Secret
	// DeliveryKey answers a Standard Webhooks private key: "whsk_" and the base64 of an Ed25519 private key.
	DeliveryKey() serving.Secret
	// SigningKey answers a new private key for the algorithm, PKCS #8 in PEM.
	SigningKey(serving.Algorithm) (serving.Secret, error)
	// ID answers a new short id ([a-z0-9], 12 characters) for a key or a credential.
	ID() string
}

// GatewayInput is everything that decides about one MerchantGateway.
type GatewayInput struct {
	// Gateway is the resource with its schema defaults filled in.
	Gateway *v1alpha1.MerchantGateway
	// Holder is the older resource that holds the same gatewayID, as "namespace/name"; empty when this one may have it.
	Holder string
	// Secrets are the Secrets of its namespace that it refers to or that carry the name of its generated one, by name.
	Secrets map[string]*corev1.Secret
	// Previous documents are nil where there are none.
	Previous        *serving.Gateway
	PreviousSecrets *serving.GatewaySecrets
	// PreviousServed says whether every live server replica serves Previous with PreviousSecrets: new material that signs deliveries is shown to people
	// only then.
	PreviousServed bool
	// Unserved says that some live server replica does not serve Previous.
	Unserved bool
	// Uses says when each signing key last signed, by its id, as server replicas have reported it.
	Uses map[string]time.Time
	// ExternalURL is the base of URLs when the gateway names no host, for example https://d1.acme.example.
	ExternalURL string
	Now         time.Time
	Generate    Generator
}

// GatewayOutput is what follows for one MerchantGateway.
type GatewayOutput struct {
	Action Action
	// Document and Secrets are set when Action is Write. Secrets holds all that Document names, and what a reader of the previous Document still needs.
	// They may be the last good ones with other signing keys while the gateway cannot be served as it is now: Programmed is False then.
	Document *serving.Gateway
	Secrets  *serving.GatewaySecrets
	// SigningSecret is the Secret that shows what verifies deliveries, to apply in the resource's namespace; nil when none is needed.
	SigningSecret *corev1.Secret
	// KeyEvents are what becomes of the keys that sign access tokens and deliveries when the documents are written; none when Action is not Write.
	KeyEvents []KeyEvent
	// Status is the new status. Its conditions carry no lastTransitionTime: whoever writes the status keeps or sets it.
	Status v1alpha1.MerchantGatewayStatus
	// NextChange is when the time alone will change the output; zero when it won't.
	NextChange time.Time
}

// ClientInput is everything that decides about one OAuthClient.
type ClientInput struct {
	// Client is the resource with its schema defaults filled in.
	Client *v1alpha1.OAuthClient
	// Gateway is the MerchantGateway it refers to, with its status; nil when there is none.
	Gateway *v1alpha1.MerchantGateway
	// GatewayDeleted says that it exists and is being deleted; Gateway is nil then.
	GatewayDeleted bool
	// GatewayServed says whether that gateway has a Gateway document.
	GatewayServed bool
	// Holder is the other resource that holds the same client id on the same host and token path, as "namespace/name"; else empty.
	Holder string
	// Secret is the one that ClientSecretName names; nil when there is none.
	Secret *corev1.Secret
	// Previous is its document; nil when there is none.
	Previous *serving.Client
	// PreviousServed says whether every live server replica serves Previous: a new secret is shown to people only then.
	PreviousServed bool
	// Remembered is the client_secret that the operator has last seen in the generated Secret: it comes back when the Secret is lost. Zero when it has
	// seen none.
	Remembered serving.Secret
	// RememberedPrevious is the client_secret_previous that it showed with it.
	RememberedPrevious serving.Secret
	// Uses says when each credential was last used, by its id, as server replicas have reported it. Nil when none is live: then nobody can say
	// that a credential is not in use.
	Uses        map[string]time.Time
	ExternalURL string
	Now         time.Time
	Generate    Generator
}

// ClientOutput is what follows for one OAuthClient.
type ClientOutput struct {
	Action Action
	// Document is set when Action is Write.
	Document *serving.Client
	// Secret is the generated credentials Secret to apply in the resource's namespace; nil when the operator makes no secret.
	Secret *corev1.Secret
	// Status is the new status. Its conditions carry no lastTransitionTime.
	Status v1alpha1.OAuthClientStatus
	// NextChange is when the time alone will change the output; zero when it won't.
	NextChange time.Time
	// Issued says why a new secret was made or adopted, in words for an event; empty when none was.
	Issued string
	// Shown says that client_secret in the generated Secret is now the new one that was issued before, in words for an event; else empty.
	Shown string
	// Restored says that a client_secret which was lost from the generated Secret is back as it was, in words for an event; else empty.
	Restored string
}
