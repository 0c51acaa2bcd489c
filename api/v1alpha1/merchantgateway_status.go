package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MerchantGatewayStatus is what the operator found and did.
//
// +kubebuilder:validation:MinProperties=1
type MerchantGatewayStatus struct {
	// conditions are Accepted, ResolvedRefs, Programmed and Ready. Ready is True when the others are.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// tokenURLs are the token URLs to hand to Thales: those that are served.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=2048
	TokenURLs []string `json:"tokenURLs,omitempty"`

	// notificationURL is the base URL to hand to Thales; D1 appends /merchant-gateways/... to it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	NotificationURL string `json:"notificationURL,omitempty"`

	// signingSecretName is the Secret with the generated delivery signing secret, for the backends that verify. Empty when none was needed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SigningSecretName string `json:"signingSecretName,omitempty"`

	// signingKeys are the keys that verify access tokens, the newest last.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	SigningKeys []SigningKeyStatus `json:"signingKeys,omitempty"`
}

// SigningKeyStatus is one key that verifies access tokens.
type SigningKeyStatus struct {
	// id is the kid in the header of access tokens.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// algorithm of the key.
	// +required
	Algorithm SigningAlgorithm `json:"algorithm,omitempty"`

	// signsFrom is when it begins to sign.
	// +required
	SignsFrom metav1.Time `json:"signsFrom,omitempty,omitzero"`
}

// MerchantGatewayList is a list of MerchantGateways.
//
// +kubebuilder:object:root=true
type MerchantGatewayList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MerchantGateway `json:"items"`
}
