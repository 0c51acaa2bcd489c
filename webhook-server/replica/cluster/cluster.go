// Package cluster keeps the Lease and the ReplicaReports of a replica of the server in the system namespace of a Kubernetes cluster.
package cluster

import (
	"crypto/rand"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/gentype"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Requests a second: a replica that spreads its uses over many reports writes them in a row.
const (
	queriesPerSecond = 20
	burst            = 40
)

// Options is what a Cluster needs. All fields must be set.
type Options struct {
	Config *rest.Config
	// Namespace is the system namespace.
	Namespace string
	// Replica is the name of the replica.
	Replica string
	// LeaseDuration is how long the replica counts as live after a renewal; whole seconds.
	LeaseDuration time.Duration
	Now           func() time.Time
}

// Cluster is a replica.Cluster. The methods for reports are called by one goroutine, those for the Lease by one.
type Cluster struct {
	options  Options
	identity string // of this process

	leases   coordination.LeaseInterface
	held     held
	reports  *gentype.ClientWithList[*v1alpha1.ReplicaReport, *v1alpha1.ReplicaReportList]
	metadata metadata.ResourceInterface
	versions map[string]version // of the reports as they were written or found, by name
}

// version is that of an object.
type version struct {
	uid             types.UID
	resourceVersion string
}

func versionOf(o metav1.Object) version { return version{o.GetUID(), o.GetResourceVersion()} }

// New connects to nothing yet.
func New(o Options) (*Cluster, error) {
	config := rest.CopyConfig(o.Config)
	config.QPS, config.Burst = queriesPerSecond, burst
	leases, err := coordination.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	reports, err := newReports(config, o.Namespace)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return &Cluster{
		options: o, identity: o.Replica + "_" + rand.Text(),
		leases: leases.Leases(o.Namespace), reports: reports,
		metadata: meta.Resource(v1alpha1.GroupVersion.WithResource(resourceName)).Namespace(o.Namespace),
		versions: map[string]version{},
	}, nil
}

const resourceName = "replicareports"

func newReports(config *rest.Config, namespace string) (*gentype.ClientWithList[*v1alpha1.ReplicaReport, *v1alpha1.ReplicaReportList], error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &v1alpha1.GroupVersion, "/apis"
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	return gentype.NewClientWithList(resourceName, client, runtime.NewParameterCodec(scheme), namespace,
		func() *v1alpha1.ReplicaReport { return &v1alpha1.ReplicaReport{} },
		func() *v1alpha1.ReplicaReportList { return &v1alpha1.ReplicaReportList{} }), nil
}

// labels mark what a replica keeps.
func labels() map[string]string {
	return map[string]string{v1alpha1.LabelReplica: v1alpha1.ReplicaValue, "app.kubernetes.io/managed-by": "d1gateway"}
}
