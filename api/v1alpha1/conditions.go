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

	// AnnotationRotateRequestedAt asks for a rotation of an OAuthClient's generated secret or a MerchantGateway's signing key: any value that
	// differs from the last one acted on (status.lastHandledRotationRequest).
	AnnotationRotateRequestedAt = "d1gateway.io/rotate-requested-at"
	// AnnotationRotateDeliverySigningRequestedAt on a MerchantGateway asks for new generated material that signs deliveries: any value that
	// differs from the one that was acted on last. A time is a good one.
	AnnotationRotateDeliverySigningRequestedAt = "d1gateway.io/rotate-delivery-signing-requested-at"
	// AnnotationAcknowledgedIssuer on a MerchantGateway holds the id of the server certificate's issuer (status.serverCertificateIssuer.id) that
	// Thales knows of: it ends the warning about a change.
	AnnotationAcknowledgedIssuer = "d1gateway.io/acknowledged-issuer"

	// AnnotationSecretCreated and AnnotationPreviousExpires on a generated credentials Secret date what it holds, in RFC 3339. The second is
	// absent while no expiry is decided.
	AnnotationSecretCreated   = "d1gateway.io/client-secret-created"
	AnnotationPreviousExpires = "d1gateway.io/client-secret-previous-expires"
	// AnnotationPreviousSignsUntil on a generated delivery signing Secret says until when the former secret and key sign too, in RFC 3339.
	AnnotationPreviousSignsUntil = "d1gateway.io/previous-signs-until"

	// LabelReplica marks the Leases and ReplicaReports of server replicas; its value is ReplicaValue.
	LabelReplica = "d1gateway.io/replica"
	// ReplicaValue is the value of LabelReplica.
	ReplicaValue = "webhook-server"

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
	// ConditionProgrammed: every live server replica serves the observed generation.
	ConditionProgrammed = "Programmed"
	// ConditionReady: all of the above.
	ConditionReady = "Ready"
	// ConditionCertificatesCurrent is a warning that does not touch Ready: False when a certificate of a MerchantGateway expires soon, or when
	// the issuer of its server certificate has changed.
	ConditionCertificatesCurrent = "CertificatesCurrent"
	// ConditionDrained is set on a MerchantGateway that is being deleted: False while notifications are undelivered.
	ConditionDrained = "Drained"
)

// Reasons of Accepted.
const (
	// ReasonAccepted: nothing stands against it.
	ReasonAccepted = "Accepted"
	// ReasonSuspended: nothing stands against it, and spec.state suspends the OAuthClient. Status is True.
	ReasonSuspended = "Suspended"
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
	// ReasonProgrammed: every live server replica serves it.
	ReasonProgrammed = "Programmed"
	// ReasonNoReplicas: the serving documents are written, but no server replica is live.
	ReasonNoReplicas = "NoReplicas"
	// ReasonReplicasBehind: a live server replica does not serve the written documents yet.
	ReasonReplicasBehind = "ReplicasBehind"
	// ReasonDocumentRefused: a live server replica refuses a written document; the last good one serves on there.
	ReasonDocumentRefused = "DocumentRefused"
	// ReasonDeleting: the resource is being deleted and no longer served.
	ReasonDeleting = "Deleting"
	// ReasonNotProgrammed: no serving document was written for this generation. The last good one, if any, serves on.
	ReasonNotProgrammed = "NotProgrammed"
	// ReasonWriteFailed: the API server refused a write; it is tried again.
	ReasonWriteFailed = "WriteFailed"
	// ReasonReady: every other condition is True. When Ready is False, its reason is that of the first condition that is not True.
	ReasonReady = "Ready"
)

// Reasons of CertificatesCurrent.
const (
	// ReasonCertificatesCurrent: there is nothing to do.
	ReasonCertificatesCurrent = "CertificatesCurrent"
	// ReasonCertificateExpiring: a certificate expires within 30 days, or has expired.
	ReasonCertificateExpiring = "CertificateExpiring"
	// ReasonIssuerChanged: the server certificate comes from another issuer than before, and Thales pins the chain.
	ReasonIssuerChanged = "IssuerChanged"
)

// Reasons of Drained.
const (
	// ReasonUndeliveredNotifications: notifications wait for their delivery.
	ReasonUndeliveredNotifications = "UndeliveredNotifications"
	// ReasonDraining: the server replicas have not all said yet how many notifications wait.
	ReasonDraining = "Draining"
)

// Keys in Secrets.
const (
	// KeyClientID and KeyClientSecret are read from an Existing credentials Secret and written to a generated one.
	KeyClientID     = "client_id"
	KeyClientSecret = "client_secret"
	// KeyPreviousClientSecret is written to a generated credentials Secret while the previous secret still works.
	KeyPreviousClientSecret = "client_secret_previous"
	// KeyNextClientSecret is in a generated credentials Secret while a new secret waits for every server replica to accept it.
	KeyNextClientSecret = "client_secret_next"
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
	// KeyPublicKey holds the public key ("whpk_" and base64) of the generated Ed25519 key that signs, and KeyPreviousPublicKey that of the former one while
	// it signs too.
	KeyPublicKey         = "public_key"
	KeyPreviousPublicKey = "public_key_previous"
)
