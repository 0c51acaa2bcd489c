package cluster

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Strangers names the other live replicas that report another store than this one, in order.
func (c *Cluster) Strangers(ctx context.Context, storeID string) ([]string, error) {
	reports, err := c.reports.List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelReplica + "=" + v1alpha1.ReplicaValue})
	if err != nil {
		return nil, fmt.Errorf("listing replica reports: %w", err)
	}
	var strangers []string
	for _, r := range reports.Items {
		if r.Name != r.Replica || r.Replica == c.options.Replica || r.StoreID == "" || r.StoreID == storeID {
			continue
		}
		lease, err := c.leases.Get(ctx, r.Replica, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the lease of replica %s: %w", r.Replica, err)
		}
		if renewed := lease.Spec.RenewTime; renewed != nil && c.options.Now().Sub(renewed.Time) < c.options.LeaseDuration {
			strangers = append(strangers, r.Replica)
		}
	}
	slices.Sort(strangers)
	return strangers, nil
}
