package v1alpha1

// DeliveryMode says when D1 gets its answer.
//
// +kubebuilder:validation:Enum=Durable;Synchronous
type DeliveryMode string

// The delivery modes.
const (
	// DeliveryDurable answers 204 when the notification is safely stored, and delivers it afterwards.
	DeliveryDurable DeliveryMode = "Durable"
	// DeliverySynchronous forwards first and answers D1 with what came of it.
	DeliverySynchronous DeliveryMode = "Synchronous"
)

// HTTPURL is an absolute http or https URL without credentials and fragment. The server speaks plain http only to addresses within
// its --delivery-allow-cidr.
//
// +kubebuilder:validation:MinLength=8
// +kubebuilder:validation:MaxLength=2048
// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname().size() > 0",message="must be an absolute http or https URL"
// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-zA-Z]+://[^/?#]*@') && !self.contains('#')",message="must not hold credentials or a fragment"
type HTTPURL string

// Delivery is where notifications go, and how.
//
// +kubebuilder:validation:MinProperties=1
type Delivery struct {
	// mode is Durable (D1 gets 204 when the notification is safely stored) or Synchronous (it is forwarded first; D1 gets 204, 404 UNKNOWN_TOKEN,
	// 500 MERCHANT_ERROR or 503 by what the destination answers, and nothing is retried by the server).
	// +optional
	// +default="Durable"
	Mode DeliveryMode `json:"mode,omitempty"`

	// url is where notifications are sent, by POST.
	// +optional
	URL HTTPURL `json:"url,omitempty"`

	// timeoutSeconds bounds one attempt, from dialing to the end of the answer.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// retry is the schedule of attempts after the first one.
	// +optional
	// +default={"maxAgeHours":96}
	Retry Retry `json:"retry,omitempty,omitzero"`

	// order is None, or PerToken: a notification of a token waits until the one accepted before it, for the same token and destination, is
	// delivered or given up. It decides about what is accepted from then on.
	// +optional
	// +default="None"
	Order DeliveryOrder `json:"order,omitempty"`

	// repeats is Deliver, or Merge: a notification is dropped when one of the same token and updateType waits for the same destination that has
	// not been attempted yet, since that one tells the destination all the same.
	// +optional
	// +default="Deliver"
	Repeats DeliveryRepeats `json:"repeats,omitempty"`

	// signing names the secret that signs deliveries.
	// +optional
	Signing *DeliverySigning `json:"signing,omitempty,omitzero"`

	// tls is used when the destination is https. Without it, the destination's certificate must be of a CA that the system trusts.
	// +optional
	TLS *ClientTLS `json:"tls,omitempty,omitzero"`

	// oauth has deliveries carry an access token that the server gets from an authorization server by client credentials. Without it they
	// carry no Authorization header.
	// +optional
	OAuth *DeliveryOAuth `json:"oauth,omitempty,omitzero"`

	// rateLimit bounds what the destination gets at once.
	// +optional
	// +default={"maxInFlight":10}
	RateLimit RateLimit `json:"rateLimit,omitempty,omitzero"`
}

// DeliveryOverride overrides the gateway's delivery field by field: what is absent here is taken from there.
//
// +kubebuilder:validation:MinProperties=1
type DeliveryOverride struct {
	// mode overrides delivery.mode.
	// +optional
	Mode DeliveryMode `json:"mode,omitempty"`

	// url overrides delivery.url.
	// +optional
	URL HTTPURL `json:"url,omitempty"`

	// timeoutSeconds overrides delivery.timeoutSeconds.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// retry overrides delivery.retry as a whole.
	// +optional
	Retry *Retry `json:"retry,omitempty,omitzero"`

	// order overrides delivery.order.
	// +optional
	Order DeliveryOrder `json:"order,omitempty"`

	// repeats overrides delivery.repeats.
	// +optional
	Repeats DeliveryRepeats `json:"repeats,omitempty"`

	// signing overrides delivery.signing as a whole.
	// +optional
	Signing *DeliverySigning `json:"signing,omitempty,omitzero"`

	// tls overrides delivery.tls as a whole.
	// +optional
	TLS *ClientTLS `json:"tls,omitempty,omitzero"`

	// oauth overrides delivery.oauth as a whole.
	// +optional
	OAuth *DeliveryOAuth `json:"oauth,omitempty,omitzero"`

	// rateLimit overrides delivery.rateLimit as a whole.
	// +optional
	RateLimit *RateLimit `json:"rateLimit,omitempty,omitzero"`
}

// DeliveryOrder says in which order a destination gets notifications.
//
// +kubebuilder:validation:Enum=None;PerToken
type DeliveryOrder string

// The orders.
const (
	// OrderNone: none is promised; a notification that is retried is overtaken.
	OrderNone DeliveryOrder = "None"
	// OrderPerToken keeps the order of acceptance among the notifications of a token.
	OrderPerToken DeliveryOrder = "PerToken"
)

// DeliveryRepeats says what becomes of a notification that repeats one that waits.
//
// +kubebuilder:validation:Enum=Deliver;Merge
type DeliveryRepeats string

// What becomes of repeats.
const (
	// RepeatsDeliver delivers each.
	RepeatsDeliver DeliveryRepeats = "Deliver"
	// RepeatsMerge merges a repeat into one that has not been attempted yet.
	RepeatsMerge DeliveryRepeats = "Merge"
)

// Retry is the schedule of attempts after the first one: a list of waits (delaysSeconds), or waits that double from initialSeconds up to maxSeconds. Without either it is the
// schedule of Standard Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
// A notification is a dead letter when the list has been used up, or when the next attempt would begin after it was maxAgeHours old.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.delaysSeconds) || (!has(self.initialSeconds) && !has(self.maxSeconds))",message="delaysSeconds does not go with initialSeconds and maxSeconds",fieldPath=".delaysSeconds"
// +kubebuilder:validation:XValidation:rule="(has(self.initialSeconds) ? self.initialSeconds : 1) <= (has(self.maxSeconds) ? self.maxSeconds : 3600)",message="initialSeconds must not be more than maxSeconds, which is 3600 when absent",fieldPath=".initialSeconds"
type Retry struct {
	// delaysSeconds are the waits before the second attempt, the third and so on, each stretched by up to a fifth at random. After the last one's attempt there is no other.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=86400
	DelaysSeconds []int32 `json:"delaysSeconds,omitempty"`

	// maxAgeHours is the age at which a notification is given up.
	// +optional
	// +default=96
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=720
	MaxAgeHours int32 `json:"maxAgeHours,omitempty"`

	// initialSeconds is the wait after the first failed attempt, in a schedule that doubles; 1 when only maxSeconds is given.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	InitialSeconds int32 `json:"initialSeconds,omitempty"`

	// maxSeconds is the longest wait between two attempts, in a schedule that doubles; 3600 when only initialSeconds is given.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	MaxSeconds int32 `json:"maxSeconds,omitempty"`
}

// DeliverySigningAlgorithm signs deliveries by Standard Webhooks.
//
// +kubebuilder:validation:Enum=HMAC;Ed25519
type DeliverySigningAlgorithm string

// The algorithms.
const (
	// SigningHMAC is HMAC-SHA256, signature v1: the backend verifies with the secret that signs.
	SigningHMAC DeliverySigningAlgorithm = "HMAC"
	// SigningEd25519 is Ed25519, signature v1a: the backend verifies with a public key.
	SigningEd25519 DeliverySigningAlgorithm = "Ed25519"
)

// DeliverySigning says what signs deliveries (Standard Webhooks). Without a secretRef the operator generates it and writes it to the Secret
// <name of the gateway>-delivery-signing, for the backend that verifies; the annotation d1gateway.io/rotate-delivery-signing-requested-at on the MerchantGateway asks for new material.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.secretRef) || (!has(self.algorithms) && !has(self.overlapHours))",message="algorithms and overlapHours are for generated secrets: they do not go with secretRef",fieldPath=".secretRef"
type DeliverySigning struct {
	// secretRef names the Secret whose key "secret" holds "whsec_" and the base64 of 24 to 64 bytes (HMAC), or "whsk_" and the base64 of an Ed25519 private key of 64 bytes. While the key
	// "secret_previous" is present too, deliveries are signed with both, so that backends can change over, from one algorithm to the other as well.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty,omitzero"`

	// algorithms are those that the generated material signs with, each with a signature of its own; HMAC when absent. The Secret's key "secret" holds the secret of
	// HMAC ("whsec_"), and its key "public_key" the public key of Ed25519 ("whpk_"), which status.deliveryPublicKeys shows as well.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Algorithms []DeliverySigningAlgorithm `json:"algorithms,omitempty"`

	// overlapHours is how long the former generated material goes on signing beside the new one after a rotation; 168 when absent.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2160
	OverlapHours int32 `json:"overlapHours,omitempty"`
}

// DeliveryOAuth gets access tokens for deliveries from an authorization server (RFC 6749 section 4.4).
type DeliveryOAuth struct {
	// tokenURL is the token endpoint.
	// +required
	TokenURL HTTPURL `json:"tokenURL,omitempty"`

	// secretRef names the Secret whose keys "client_id" and "client_secret" authenticate the server there, by HTTP Basic.
	// +required
	SecretRef SecretReference `json:"secretRef,omitzero"`

	// scopes are asked for; when absent, the authorization server decides.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[!#-\[\]-~]+$`
	Scopes []string `json:"scopes,omitempty"`

	// tls is used when the tokenURL is https. Without it, the certificate must be of a CA that the system trusts.
	// +optional
	TLS *ClientTLS `json:"tls,omitempty,omitzero"`
}

// ClientTLS is what a connection to a destination uses.
//
// +kubebuilder:validation:MinProperties=1
type ClientTLS struct {
	// caSecretRef names the Secret whose key ca.crt holds the CA certificates to trust in place of the system's.
	// +optional
	CASecretRef *SecretReference `json:"caSecretRef,omitempty,omitzero"`

	// clientCertificateSecretRef names the Secret of type kubernetes.io/tls whose certificate is presented.
	// +optional
	ClientCertificateSecretRef *SecretReference `json:"clientCertificateSecretRef,omitempty,omitzero"`
}

// RateLimit bounds what a destination gets at once.
//
// +kubebuilder:validation:MinProperties=1
type RateLimit struct {
	// perSecond bounds the attempts that begin in a second. When absent, there is no bound.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	PerSecond int32 `json:"perSecond,omitempty"`

	// maxInFlight bounds the attempts that are under way at once, for each server replica.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=256
	MaxInFlight int32 `json:"maxInFlight,omitempty"`
}

// TokenLookup asks the platform whether a token exists: GET; 2xx means known, 404 unknown, anything else is a fault for which D1 gets 503.
type TokenLookup struct {
	// url is asked by GET, {merchantId} and {tokenId} replaced.
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://[^/?#@{}\s]+(/[^#\s]*)?$`
	// +kubebuilder:validation:XValidation:rule="self.contains('{tokenId}')",message="url must hold {tokenId}: without it every token would get the same answer"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([^{}]|[{](merchantId|tokenId)[}])*$')",message="url may hold {merchantId} and {tokenId}, and no other braces"
	URL string `json:"url,omitempty"`

	// timeoutSeconds bounds one look-up.
	// +optional
	// +default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=30
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// cacheSeconds is how long an answer is remembered. 0 asks each time.
	// +optional
	// +default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	CacheSeconds *int32 `json:"cacheSeconds,omitempty"`

	// newTokenGraceSeconds is how long after its first sighting an unknown token is answered 503, so that D1 tries again and the platform has time
	// to record a token that its notification overtook. 0 answers 404 at once.
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	NewTokenGraceSeconds *int32 `json:"newTokenGraceSeconds,omitempty"`

	// tls is used when the URL is https. Without it, the certificate must be of a CA that the system trusts.
	// +optional
	TLS *ClientTLS `json:"tls,omitempty,omitzero"`

	// oauth has look-ups carry an access token, as delivery.oauth does for deliveries.
	// +optional
	OAuth *DeliveryOAuth `json:"oauth,omitempty,omitzero"`
}
