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
	// +default={"maxAgeHours":72,"initialSeconds":1,"maxSeconds":3600}
	Retry Retry `json:"retry,omitempty,omitzero"`

	// signing names the secret that signs deliveries.
	// +optional
	Signing *DeliverySigning `json:"signing,omitempty,omitzero"`

	// tls is used when the destination is https. Without it, the destination's certificate must be of a CA that the system trusts.
	// +optional
	TLS *ClientTLS `json:"tls,omitempty,omitzero"`

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

	// signing overrides delivery.signing.
	// +optional
	Signing *DeliverySigning `json:"signing,omitempty,omitzero"`

	// tls overrides delivery.tls as a whole.
	// +optional
	TLS *ClientTLS `json:"tls,omitempty,omitzero"`

	// rateLimit overrides delivery.rateLimit as a whole.
	// +optional
	RateLimit *RateLimit `json:"rateLimit,omitempty,omitzero"`
}

// Retry is the schedule of attempts after the first one: the wait doubles from initialSeconds up to maxSeconds, with jitter, until
// the notification is maxAgeHours old. Then it is a dead letter.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="self.initialSeconds <= self.maxSeconds",message="initialSeconds must not be more than maxSeconds",fieldPath=".initialSeconds"
type Retry struct {
	// maxAgeHours is the age at which a notification is given up.
	// +optional
	// +default=72
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=720
	MaxAgeHours int32 `json:"maxAgeHours,omitempty"`

	// initialSeconds is the wait after the first failed attempt.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	InitialSeconds int32 `json:"initialSeconds,omitempty"`

	// maxSeconds is the longest wait between two attempts.
	// +optional
	// +default=3600
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	MaxSeconds int32 `json:"maxSeconds,omitempty"`
}

// DeliverySigning names the secret that signs deliveries (Standard Webhooks). When absent, the operator generates one and writes it
// to the Secret <name of the gateway>-delivery-signing, key "secret", for the backend that verifies.
type DeliverySigning struct {
	// secretRef names the Secret whose key "secret" holds "whsec_" and the base64 of 24 to 64 bytes. While the key "secret_previous" is
	// present too, deliveries are signed with both, so that backends can change over.
	// +required
	SecretRef SecretReference `json:"secretRef,omitzero"`
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
}
