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
	// +kubebuilder:validation:MaxItems=16
	// +default=["d1:notify"]
	Scopes []Scope `json:"scopes,omitempty"`

	// credentials says how the client proves who it is, and where that is kept.
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
// +kubebuilder:validation:MaxLength=64
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

// CredentialsMethod says how the client proves who it is.
//
// +kubebuilder:validation:Enum=ClientSecret;PrivateKeyJWT;TLSClientAuth
type CredentialsMethod string

// The methods of a client.
const (
	// CredentialsClientSecret is a secret, sent as HTTP Basic (or in the form body, where the gateway allows that). D1 uses it.
	CredentialsClientSecret CredentialsMethod = "ClientSecret"
	// CredentialsPrivateKeyJWT is an assertion signed with the client's own key (RFC 7523, private_key_jwt).
	CredentialsPrivateKeyJWT CredentialsMethod = "PrivateKeyJWT"
	// CredentialsTLSClientAuth is the client's certificate (RFC 8705 section 2.1, tls_client_auth).
	CredentialsTLSClientAuth CredentialsMethod = "TLSClientAuth" //nolint:gosec // the name of a method
)

// ClientCredentials says how the client proves who it is, and where that is kept.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="self.method == 'ClientSecret' ? has(self.secretName) : !has(self.secretName)",message="secretName is needed for method ClientSecret, and only then: it is the Secret with the client id and secret",fieldPath=".secretName"
// +kubebuilder:validation:XValidation:rule="(self.method == 'PrivateKeyJWT') == has(self.jwks)",message="jwks is needed for method PrivateKeyJWT, and only then: it holds the client's public keys",fieldPath=".jwks"
// +kubebuilder:validation:XValidation:rule="(self.method == 'TLSClientAuth') == has(self.certificate)",message="certificate is needed for method TLSClientAuth, and only then: it says which certificates are the client's",fieldPath=".certificate"
type ClientCredentials struct {
	// method is how the client proves who it is: ClientSecret, PrivateKeyJWT or TLSClientAuth. The gateway must list it in
	// authentication.tokenEndpointMethods (ClientSecretBasic or ClientSecretPost for ClientSecret).
	// +optional
	// +default="ClientSecret"
	Method CredentialsMethod `json:"method,omitempty"`

	// secretName is the Secret, in the same namespace, with the keys client_id and client_secret (and token_url when generated). A Secret of
	// source Existing must carry the label d1gateway.io/allow-use: "true". Only for method ClientSecret.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	SecretName string `json:"secretName,omitempty"`

	// source is Generated (the operator makes the secret and writes the Secret) or Existing (the Secret is the user's; it is read and never written;
	// a changed client_secret is a rotation). It means nothing for the other methods.
	// +optional
	// +default="Generated"
	Source CredentialsSource `json:"source,omitempty"`

	// jwks is the client's public keys, a JSON Web Key Set (RFC 7517) of at most 8 keys: EC P-256 or P-384, RSA of 2048 bits or more,
	// Ed25519. List the new key beside the former one while the client changes over. Only for method PrivateKeyJWT; no private key belongs here.
	// +optional
	// +kubebuilder:validation:MinLength=12
	// +kubebuilder:validation:MaxLength=32768
	JWKS string `json:"jwks,omitempty"`

	// certificate says which certificates are the client's, among those that the gateway's authentication.clientCertificate accepts.
	// Only for method TLSClientAuth.
	// +optional
	Certificate *CertificateRules `json:"certificate,omitempty,omitzero"`
}

// CertificateRules say which certificates are meant. Where both lists are given, both must hold.
//
// +kubebuilder:validation:MinProperties=1
type CertificateRules struct {
	// subjects are the accepted subjects, each some attributes separated by commas such as "CN=d1-out,O=Thales". A certificate is accepted
	// when its subject has all attributes of one of them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Subjects []CertificateSubject `json:"subjects,omitempty"`

	// subjectAltNames are the accepted alternative names, each a type and a value such as "DNS:d1.thales.example". A certificate is
	// accepted when it carries one of them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	SubjectAltNames []CertificateSubjectAltName `json:"subjectAltNames,omitempty"`
}

// RetirePrevious says when the previous secret stops working.
//
// +kubebuilder:validation:Enum=AfterFirstUse;AfterOverlap
type RetirePrevious string

// When the previous secret stops working.
const (
	// RetireAfterFirstUse retires the previous secret once a newer one has been used and the previous one has been idle.
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

	// retirePrevious is AfterOverlap (the previous secret works for overlapHours and no longer) or AfterFirstUse (it works until a newer one has
	// been used and it has itself not been used for idleHours, however long that takes; overlapHours then has no meaning).
	// +optional
	// +default="AfterOverlap"
	RetirePrevious RetirePrevious `json:"retirePrevious,omitempty"`

	// idleHours is how long the previous secret must not have been used before AfterFirstUse retires it.
	// +optional
	// +default=24
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8760
	IdleHours int32 `json:"idleHours,omitempty"`
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

	// credentials are the live credentials, the current one first: the secrets, or the public keys, or the rules for its certificate. An
	// id says nothing of a secret.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Credentials []CredentialStatus `json:"credentials,omitempty"`

	// nextRotationTime is when the next secret will be made; absent when only a request makes one.
	// +optional
	NextRotationTime metav1.Time `json:"nextRotationTime,omitempty,omitzero"`

	// lastHandledRotationRequest is the value of the annotation d1gateway.io/rotate-requested-at that was acted on last: every server
	// replica accepts the new secret, and the Secret shows it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LastHandledRotationRequest string `json:"lastHandledRotationRequest,omitempty"`
}

// CredentialStatus is one live credential.
type CredentialStatus struct {
	// id of the credential.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// createdTime is when it was made, or first seen.
	// +required
	CreatedTime metav1.Time `json:"createdTime,omitempty,omitzero"`

	// expiryTime is when it stops working; absent for the current one, and for one that retires after its successor's first use.
	// +optional
	ExpiryTime metav1.Time `json:"expiryTime,omitempty,omitzero"`

	// lastUsedTime is when it last authenticated the client, to the minute while there are several credentials and to the hour otherwise;
	// absent when no server replica has reported a use.
	// +optional
	LastUsedTime metav1.Time `json:"lastUsedTime,omitempty,omitzero"`
}

// OAuthClientList is a list of OAuthClients.
//
// +kubebuilder:object:root=true
type OAuthClientList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OAuthClient `json:"items"`
}
