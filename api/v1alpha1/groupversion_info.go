// Package v1alpha1 holds the resources: MerchantGateway and OAuthClient, which users write, and ReplicaReport, which servers do.
// +kubebuilder:object:generate=true
// +groupName=d1gateway.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the resources in this package.
var GroupVersion = schema.GroupVersion{Group: "d1gateway.io", Version: "v1alpha1"}

// SchemeBuilder registers the resources with a scheme.
var SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme registers the resources with a scheme.
var AddToScheme = SchemeBuilder.AddToScheme

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &MerchantGateway{}, &MerchantGatewayList{}, &OAuthClient{}, &OAuthClientList{}, &ReplicaReport{}, &ReplicaReportList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
