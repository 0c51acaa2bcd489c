package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ReplicaReport is what one replica of the webhook-server says of itself: which serving documents it serves, and when each credential was last used.
// Servers write it in the system namespace and the operator reads it. A replica is live while it renews the Lease of its name. One with very many
// credentials spreads their uses over several reports.
//
// It is a resource of its own, and not a ConfigMap, so that a server needs no right to write what serving documents are kept in.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=rr
// +kubebuilder:printcolumn:name="Replica",type=string,JSONPath=`.replica`
// +kubebuilder:printcolumn:name="Documents",type=integer,JSONPath=`.documents.served`
// +kubebuilder:printcolumn:name="Refused",type=integer,JSONPath=`.documents.refusedCount`
// +kubebuilder:printcolumn:name="Secrets version",type=string,JSONPath=`.documents.secretsVersion`,priority=1
// +kubebuilder:printcolumn:name="ConfigMaps version",type=string,JSONPath=`.documents.configMapsVersion`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ReplicaReport struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// replica is the name of the replica, and of its Lease in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Replica string `json:"replica,omitempty"`

	// documents says what the replica serves. It is absent in the further reports of a replica that spreads its uses.
	// +optional
	Documents *ServedDocuments `json:"documents,omitempty,omitzero"`

	// storeID names the store of the replica: replicas with the same one share their notifications.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	StoreID string `json:"storeID,omitempty"`

	// draining are the gateways that are being deleted, and how many of their notifications wait.
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Draining []DrainingGateway `json:"draining,omitempty"`

	// uses are the credentials and signing keys that this replica has seen in use.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Uses []CredentialUse `json:"uses,omitempty"`
}

// ServedDocuments says what a replica serves. Every change of a document up to the two versions is in force, except for those it refuses.
type ServedDocuments struct {
	// configMapsVersion is the highest resourceVersion of the ConfigMaps with documents that is in force.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	ConfigMapsVersion string `json:"configMapsVersion,omitempty"`

	// secretsVersion is the highest resourceVersion of the Secrets with documents that is in force.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	SecretsVersion string `json:"secretsVersion,omitempty"`

	// served is how many documents there are.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Served *int32 `json:"served,omitempty"`

	// refusedCount is how many of them are not in force.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RefusedCount *int32 `json:"refusedCount,omitempty"`

	// refused are the first of those, in the order of their names.
	// +optional
	// +listType=map
	// +listMapKey=object
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Refused []RefusedDocument `json:"refused,omitempty"`
}

// RefusedDocument is a document that a replica cannot serve; the last good one serves on in its place if there is one.
type RefusedDocument struct {
	// object is the name of the ConfigMap or Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Object string `json:"object,omitempty"`

	// message says why. It holds no secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}

// DrainingGateway is a MerchantGateway that is being deleted.
type DrainingGateway struct {
	// namespace of the MerchantGateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// name of the MerchantGateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// uid of the MerchantGateway, which tells it from a later one of the same name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	UID string `json:"uid,omitempty"`

	// undelivered is how many notifications wait in the store of the replica.
	// +required
	// +kubebuilder:validation:Minimum=0
	Undelivered *int64 `json:"undelivered,omitempty"`
}

// CredentialUse says when a credential was last used.
type CredentialUse struct {
	// document is the name of the object that holds the serving document of the credential: client.NAMESPACE.NAME for those of an OAuthClient,
	// gateway.NAMESPACE.NAME for the signing keys of a MerchantGateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Document string `json:"document,omitempty"`

	// id of the credential or signing key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// lastUsedTime is when it last authenticated the client, or signed.
	// +required
	LastUsedTime metav1.Time `json:"lastUsedTime,omitempty,omitzero"`
}

// ReplicaReportList is a list of ReplicaReports.
//
// +kubebuilder:object:root=true
type ReplicaReportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ReplicaReport `json:"items"`
}
