package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OAuthClient is one client of a MerchantGateway's token endpoint: the client id and secret that are handed to Thales.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=oac,categories=d1gateway
// +kubebuilder:selectablefield:JSONPath=`.spec.gatewayRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.clientID`
// +kubebuilder:printcolumn:name="Gateway",type=string,JSONPath=`.spec.gatewayRef.name`
// +kubebuilder:printcolumn:name="Client ID",type=string,JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Next rotation",type=string,JSONPath=`.status.nextRotationTime`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 160",message="metadata.name must have at most 160 characters: the serving document is named after it"
type OAuthClient struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the client should be.
	// +required
	Spec OAuthClientSpec `json:"spec,omitzero"`

	// status is what the operator found and did.
	// +optional
	Status OAuthClientStatus `json:"status,omitempty,omitzero"`
}

// OAuthClientSpec is what the client should be.
type OAuthClientSpec struct {
	// gatewayRef names the MerchantGateway, in the same namespace, whose token endpoint the client uses.
	// +required
	GatewayRef GatewayReference `json:"gatewayRef,omitzero"`

	// clientID is the OAuth client id: visible ASCII characters without a colon. It is unique among the clients that share a host and a
	// token path: a resource that is served with it keeps it, else the oldest one has it. When absent, it is the client_id of an Existing Secret or is generated.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[!-9;-~]+$`
	ClientID string `json:"clientID,omitempty"`

	// scopes are the scopes the client may ask for; it gets all of them when it asks for none. The notification endpoint needs d1:notify.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +default=["d1:notify"]
	Scopes []Scope `json:"scopes,omitempty"`

	// credentials says where the client id and secret are kept.
	// +required
	Credentials ClientCredentials `json:"credentials,omitzero"`

	// rotation says when a new secret is made and how long the previous one works beside it.
	// +optional
	// +default={"overlapHours":168}
	Rotation Rotation `json:"rotation,omitempty,omitzero"`

	// state is Active or Suspended: then no token is issued and every live token of the client stops working at once.
	// +optional
	// +default="Active"
	State ClientState `json:"state,omitempty"`
}

// GatewayReference names a MerchantGateway in the same namespace.
type GatewayReference struct {
	// name of the MerchantGateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// Scope is a scope token (RFC 6749 section 3.3).
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:Pattern=`^[!#-\[\]-~]+$`
type Scope string

// CredentialsSource says who makes the secret.
//
// +kubebuilder:validation:Enum=Generated;Existing
type CredentialsSource string

// The sources of credentials.
const (
	// CredentialsGenerated: the operator makes the secret and writes it to the Secret.
	CredentialsGenerated CredentialsSource = "Generated"
	// CredentialsExisting: the Secret is the user's; it is read and never written.
	CredentialsExisting CredentialsSource = "Existing"
)

// ClientCredentials says where the client id and secret are kept.
type ClientCredentials struct {
	// secretName is the Secret, in the same namespace, with the keys client_id and client_secret (and token_url when generated). A Secret of
	// source Existing must carry the label d1gateway.io/allow-use: "true".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	SecretName string `json:"secretName,omitempty"`

	// source is Generated (the operator makes the secret and writes the Secret) or Existing (the Secret is the user's; it is read and never written;
	// a changed client_secret is a rotation).
	// +optional
	// +default="Generated"
	Source CredentialsSource `json:"source,omitempty"`
}

// RetirePrevious says when the previous secret stops working.
//
// +kubebuilder:validation:Enum=AfterFirstUse;AfterOverlap
type RetirePrevious string

// When the previous secret stops working.
const (
	// RetireAfterFirstUse retires the previous secret once the new one is in use.
	RetireAfterFirstUse RetirePrevious = "AfterFirstUse"
	// RetireAfterOverlap retires the previous secret at the end of the overlap.
	RetireAfterOverlap RetirePrevious = "AfterOverlap"
)

// Rotation says when a new secret is made and how long the previous one works beside it.
//
// +kubebuilder:validation:MinProperties=1
type Rotation struct {
	// intervalDays is the age at which a generated secret is replaced. 0, the default, replaces it only on request: set the annotation
	// d1gateway.io/rotate-requested-at to a new value.
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3650
	IntervalDays *int32 `json:"intervalDays,omitempty"`

	// overlapHours is how long the previous secret works beside the new one. 0 ends it at once.
	// +optional
	// +default=168
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8760
	OverlapHours *int32 `json:"overlapHours,omitempty"`

	// retirePrevious is AfterOverlap, or AfterFirstUse. In this version both retire the previous secret at the end of the overlap;
	// AfterFirstUse will retire it earlier once servers report which secret is in use.
	// +optional
	// +default="AfterOverlap"
	RetirePrevious RetirePrevious `json:"retirePrevious,omitempty"`
}

// ClientState says whether the client may do anything.
//
// +kubebuilder:validation:Enum=Active;Suspended
type ClientState string

// The states of a client.
const (
	// ClientActive gets tokens.
	ClientActive ClientState = "Active"
	// ClientSuspended gets none, and its live tokens do not work.
	ClientSuspended ClientState = "Suspended"
)

// OAuthClientStatus is what the operator found and did.
//
// +kubebuilder:validation:MinProperties=1
type OAuthClientStatus struct {
	// conditions are Accepted, ResolvedRefs, CredentialsReady, Programmed and Ready. Ready is True when the others are.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// clientID is the client id in use.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ClientID string `json:"clientID,omitempty"`

	// credentials are the live secrets, the current one first. An id says nothing of its secret.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Credentials []CredentialStatus `json:"credentials,omitempty"`

	// nextRotationTime is when the next secret will be made; absent when only a request makes one.
	// +optional
	NextRotationTime metav1.Time `json:"nextRotationTime,omitempty,omitzero"`
}

// CredentialStatus is one live secret.
type CredentialStatus struct {
	// id of the secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// createdTime is when it was made, or first seen in an Existing Secret.
	// +required
	CreatedTime metav1.Time `json:"createdTime,omitempty,omitzero"`

	// expiryTime is when it stops working; absent for the current one.
	// +optional
	ExpiryTime metav1.Time `json:"expiryTime,omitempty,omitzero"`
}

// OAuthClientList is a list of OAuthClients.
//
// +kubebuilder:object:root=true
type OAuthClientList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OAuthClient `json:"items"`
}
