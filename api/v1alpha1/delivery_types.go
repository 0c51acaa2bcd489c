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
