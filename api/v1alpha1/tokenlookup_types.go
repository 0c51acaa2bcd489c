package v1alpha1

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
