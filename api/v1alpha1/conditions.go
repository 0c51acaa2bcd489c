package v1alpha1

// Labels, annotations and finalizers.
const (
	// LabelAllowUse must be "true" on every Secret of the user's that a resource refers to. Without it, a person who may write
	// these resources but not read Secrets could make the operator put any Secret to use.
	LabelAllowUse = "d1gateway.io/allow-use"

	// LabelManagedBy with value ManagedByValue marks what the operator wrote.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedByValue is the value of LabelManagedBy.
	ManagedByValue = "d1gateway"

	// AnnotationRotateRequestedAt asks for a rotation of an OAuthClient's generated secret: any value that differs from the last one acted on.
	AnnotationRotateRequestedAt = "d1gateway.io/rotate-requested-at"

	// Finalizer keeps a resource until its serving documents in the system namespace are gone: owner references do not cross namespaces.
	Finalizer = "d1gateway.io/serving-documents"
)

// Condition types.
const (
	// ConditionAccepted: the resource can be served as it is written, and nothing else holds what it claims.
	ConditionAccepted = "Accepted"
	// ConditionResolvedRefs: everything it refers to exists, may be used and can be read.
	ConditionResolvedRefs = "ResolvedRefs"
	// ConditionCredentialsReady: the credentials of an OAuthClient exist and its Secret holds them.
	ConditionCredentialsReady = "CredentialsReady"
	// ConditionProgrammed: the serving documents of the observed generation are written.
	ConditionProgrammed = "Programmed"
	// ConditionReady: all of the others.
	ConditionReady = "Ready"
)

// Reasons of Accepted.
const (
	// ReasonAccepted: nothing stands against it.
	ReasonAccepted = "Accepted"
	// ReasonGatewayIDConflict: an older MerchantGateway has the same gatewayID.
	ReasonGatewayIDConflict = "GatewayIDConflict"
	// ReasonClientIDConflict: another OAuthClient has the same client id on the same host and token path.
	ReasonClientIDConflict = "ClientIDConflict"
	// ReasonInvalid: the serving document that would follow from it is not valid; the message names the field.
	ReasonInvalid = "Invalid"
)

// Reasons of ResolvedRefs.
const (
	// ReasonResolvedRefs: every reference resolves.
	ReasonResolvedRefs = "ResolvedRefs"
	// ReasonSecretNotFound: a Secret that is referred to does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretUseNotAllowed: a Secret that is referred to lacks the label d1gateway.io/allow-use: "true".
	ReasonSecretUseNotAllowed = "SecretUseNotAllowed"
	// ReasonSecretInvalid: a Secret that is referred to lacks a key or holds something that cannot be read.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonGatewayNotFound: the MerchantGateway that is referred to does not exist.
	ReasonGatewayNotFound = "GatewayNotFound"
	// ReasonGatewayNotAccepted: the MerchantGateway that is referred to is not accepted.
	ReasonGatewayNotAccepted = "GatewayNotAccepted"
	// ReasonGatewayNotServed: the MerchantGateway that is referred to has no serving document yet; its own conditions say why.
	ReasonGatewayNotServed = "GatewayNotServed"
	// ReasonMethodNotAllowed: the MerchantGateway that is referred to does not list the client's method in its tokenEndpointMethods.
	ReasonMethodNotAllowed = "MethodNotAllowed"
)

// Reasons of CredentialsReady.
const (
	// ReasonCredentialsReady: the credentials are in place.
	ReasonCredentialsReady = "CredentialsReady"
	// ReasonWeakSecret: the credentials are in place and work; the user's secret is shorter than it should be. Status is True.
	ReasonWeakSecret = "WeakSecret"
	// ReasonSecretNotOwned: a Secret of the name to be written exists and belongs to somebody else; it is not touched. Also a reason of
	// ResolvedRefs, for a gateway's generated delivery signing secret.
	ReasonSecretNotOwned = "SecretNotOwned"
	// ReasonCredentialsPending: the credentials cannot be made yet; another condition says why.
	ReasonCredentialsPending = "CredentialsPending"
)

// Reasons of Programmed and Ready.
const (
	// ReasonProgrammed: the serving documents are written.
	ReasonProgrammed = "Programmed"
	// ReasonNotProgrammed: no serving document was written for this generation. The last good one, if any, serves on.
	ReasonNotProgrammed = "NotProgrammed"
	// ReasonWriteFailed: the API server refused a write; it is tried again.
	ReasonWriteFailed = "WriteFailed"
	// ReasonReady: every other condition is True. When Ready is False, its reason is that of the first condition that is not True.
	ReasonReady = "Ready"
)

// Keys in Secrets.
const (
	// KeyClientID and KeyClientSecret are read from an Existing credentials Secret and written to a generated one.
	KeyClientID     = "client_id"
	KeyClientSecret = "client_secret"
	// KeyPreviousClientSecret is written to a generated credentials Secret while the previous secret still works.
	KeyPreviousClientSecret = "client_secret_previous"
	// KeyTokenURL is written to a generated credentials Secret.
	KeyTokenURL = "token_url"
	// KeyCABundle holds CA certificates in PEM.
	KeyCABundle = "ca.crt"
	// KeyTLSCertificate and KeyTLSKey are those of a kubernetes.io/tls Secret.
	KeyTLSCertificate = "tls.crt"
	KeyTLSKey         = "tls.key"
	// KeySigningSecret holds a Standard Webhooks secret: "whsec_" and base64 of 24 to 64 bytes.
	KeySigningSecret = "secret"
	// KeyPreviousSigningSecret, when present, signs beside KeySigningSecret: add it during a rotation.
	KeyPreviousSigningSecret = "secret_previous"
)
