package cluster

import (
	"context"
	"errors"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// held is the Lease as this process has written it.
type held struct {
	version
	since time.Time
	taken bool // this process has held it
}

// Renew takes or renews the Lease. A process that has just started takes it without asking: a restarted one has another identity than before.
// Later it answers who holds the Lease, when that is another process which has renewed it lately; it is taken back all the same.
func (c *Cluster) Renew(ctx context.Context) (rival string, err error) {
	known := c.held.version
	for range 3 {
		lease, err := c.renew(ctx, known)
		if err == nil {
			c.held = held{versionOf(lease), c.held.since, true}
			return rival, nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
			return rival, err
		}
		found, err := c.leases.Get(ctx, c.options.Replica, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			known = version{}
		case err != nil:
			return rival, err
		default:
			known = versionOf(found)
			if c.held.taken && c.isRival(found) {
				rival = *found.Spec.HolderIdentity
			}
		}
	}
	return rival, errors.New("somebody else writes the Lease at the same time")
}

func (c *Cluster) renew(ctx context.Context, known version) (*coordinationv1.Lease, error) {
	now := metav1.NewMicroTime(c.options.Now())
	if c.held.since.IsZero() {
		c.held.since = now.Time
	}
	acquired, seconds := metav1.NewMicroTime(c.held.since), int32(c.options.LeaseDuration/time.Second) //nolint:gosec // some seconds
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.options.Namespace, Name: c.options.Replica, Labels: labels(), UID: known.uid, ResourceVersion: known.resourceVersion,
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &c.identity, LeaseDurationSeconds: &seconds, AcquireTime: &acquired, RenewTime: &now},
	}
	if known == (version{}) {
		return c.leases.Create(ctx, lease, metav1.CreateOptions{})
	}
	return c.leases.Update(ctx, lease, metav1.UpdateOptions{})
}

// isRival says whether another process holds the Lease and has renewed it lately.
func (c *Cluster) isRival(lease *coordinationv1.Lease) bool {
	spec := lease.Spec
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || *spec.HolderIdentity == c.identity || spec.RenewTime == nil {
		return false
	}
	return c.options.Now().Sub(spec.RenewTime.Time) < c.options.LeaseDuration
}

// Release deletes the Lease if this process holds it: what became of a renewal that was cut off is not known.
func (c *Cluster) Release(ctx context.Context) error {
	if c.held.since.IsZero() {
		return nil // it has never been asked for
	}
	lease, err := c.leases.Get(ctx, c.options.Replica, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && (lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity != c.identity) {
		return nil
	}
	if err != nil {
		return err
	}
	err = c.leases.Delete(ctx, lease.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &lease.UID, ResourceVersion: &lease.ResourceVersion},
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
