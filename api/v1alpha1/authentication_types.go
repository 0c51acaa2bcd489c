package v1alpha1

// OAuthMode says whether a bearer token is needed.
//
// +kubebuilder:validation:Enum=Required;Disabled
type OAuthMode string

// The OAuth modes.
const (
	// OAuthRequired needs a bearer token at the notification endpoint.
	OAuthRequired OAuthMode = "Required"
	// OAuthDisabled looks at no bearer token; the client certificate decides.
	OAuthDisabled OAuthMode = "Disabled"
)

// TokenEndpointMethod is a way for a client to prove who it is at the token endpoint, named as the OAuth registry names it
// (token_endpoint_auth_method).
//
// +kubebuilder:validation:Enum=ClientSecretBasic;ClientSecretPost;PrivateKeyJWT;TLSClientAuth
type TokenEndpointMethod string

// The methods of the token endpoint.
const (
	// MethodClientSecretBasic is the secret in the Authorization header (RFC 6749 section 2.3.1). D1 uses it.
	MethodClientSecretBasic TokenEndpointMethod = "ClientSecretBasic"
	// MethodClientSecretPost is the secret in the form body (RFC 6749 section 2.3.1).
	MethodClientSecretPost TokenEndpointMethod = "ClientSecretPost"
	// MethodPrivateKeyJWT is an assertion signed with the client's key (RFC 7523).
	MethodPrivateKeyJWT TokenEndpointMethod = "PrivateKeyJWT"
	// MethodTLSClientAuth is the client's certificate (RFC 8705 section 2.1).
	MethodTLSClientAuth TokenEndpointMethod = "TLSClientAuth"
)

// Authentication says how D1 proves who it is: at the notification endpoint by oauth and clientCertificate, at the token endpoint by
// tokenEndpointMethods.
//
// +kubebuilder:validation:MinProperties=1
type Authentication struct {
	// oauth is Required (a bearer token from the token endpoint) or Disabled, which needs a required client certificate.
	// +optional
	// +default="Required"
	OAuth OAuthMode `json:"oauth,omitempty"`

	// tokenEndpointMethods are the ways in which clients may prove who they are at the token endpoint: ClientSecretBasic (D1's),
	// ClientSecretPost, PrivateKeyJWT and TLSClientAuth, which needs clientCertificate.mode Required. A client has one of its own, by its
	// spec.credentials.method: a client with a secret may use either of the first two, where they are listed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +default=["ClientSecretBasic"]
	TokenEndpointMethods []TokenEndpointMethod `json:"tokenEndpointMethods,omitempty"`

	// clientCertificate says which client certificates D1 presents.
	// +optional
	// +default={"mode":"Disabled"}
	ClientCertificate ClientCertificate `json:"clientCertificate,omitempty,omitzero"`
}

// ClientCertificateMode says whether a client certificate is needed.
//
// +kubebuilder:validation:Enum=Disabled;Required
type ClientCertificateMode string

// The client certificate modes.
const (
	// ClientCertificateDisabled asks for none.
	ClientCertificateDisabled ClientCertificateMode = "Disabled"
	// ClientCertificateRequired refuses a caller without one.
	ClientCertificateRequired ClientCertificateMode = "Required"
)

// ClientCertificate says which client certificates D1 presents (mutual TLS).
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="self.mode != 'Required' || has(self.caSecretRef)",message="mode Required needs caSecretRef: the Secret with the CA certificates to trust",fieldPath=".caSecretRef"
type ClientCertificate struct {
	// mode is Required (a caller without a good certificate is refused) or Disabled (none is asked for). The default is Disabled.
	// +optional
	// +default="Disabled"
	Mode ClientCertificateMode `json:"mode,omitempty"`

	// caSecretRef names the Secret whose key ca.crt holds the CA certificates to trust, one or several. Trust Thales' client CA,
	// not one leaf: the leaf rotates. The Secret must carry the label d1gateway.io/allow-use: "true".
	// +optional
	CASecretRef *SecretReference `json:"caSecretRef,omitempty,omitzero"`

	// subjects are the accepted subjects, each some attributes separated by commas such as "CN=d1-out,O=Thales". A certificate is accepted
	// when its subject has all attributes of one of them: CN, O, OU, C, L, ST or SERIALNUMBER, in the same letter case. A value with a comma or
	// an equals sign cannot be written: use another attribute, or subjectAltNames. When empty, no subject is asked for.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Subjects []CertificateSubject `json:"subjects,omitempty"`

	// subjectAltNames are the accepted alternative names, each a type and a value such as "DNS:d1.thales.example",
	// "URI:spiffe://thales.example/d1", "EMAIL:d1@thales.example" or "IP:192.0.2.1". A certificate is accepted when it carries one of
	// them. When empty, none is asked for. Where subjects are given too, both must hold.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	SubjectAltNames []CertificateSubjectAltName `json:"subjectAltNames,omitempty"`
}

// CertificateSubject is one or more attributes of a certificate's subject, such as "CN=d1-out,O=Thales".
//
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:Pattern=`^(CN|O|OU|C|L|ST|SERIALNUMBER)=[^,=]+(,(CN|O|OU|C|L|ST|SERIALNUMBER)=[^,=]+)*$`
type CertificateSubject string

// CertificateSubjectAltName is the type and value of a certificate's alternative name, such as "DNS:d1.thales.example".
//
// +kubebuilder:validation:MinLength=4
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule="!self.startsWith('IP:') || isIP(self.substring(3))",message="IP: needs an IP address"
// +kubebuilder:validation:Pattern=`^(DNS:[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|URI:[A-Za-z][A-Za-z0-9+.-]*:[!-~]+|EMAIL:[!-?A-~]+@[A-Za-z0-9.-]+|IP:[0-9A-Fa-f.:]+)$`
type CertificateSubjectAltName string
