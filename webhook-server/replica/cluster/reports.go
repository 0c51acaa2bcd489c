package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Reports answers the reports of this replica that are there: its own name's first, if that is there.
func (c *Cluster) Reports(ctx context.Context) ([]*v1alpha1.ReplicaReport, error) {
	found, err := c.found(ctx)
	if err != nil {
		return nil, err
	}
	var all []*v1alpha1.ReplicaReport
	for _, name := range slices.SortedFunc(maps.Keys(found), strings.Compare) {
		report, err := c.reports.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.versions[name] = versionOf(report)
		all = append(all, report)
	}
	return all, nil
}

// found answers the versions of this replica's reports by name. Those of all replicas are listed, without their content.
func (c *Cluster) found(ctx context.Context) (map[string]version, error) {
	list, err := c.metadata.List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelReplica + "=" + v1alpha1.ReplicaValue})
	if err != nil {
		return nil, err
	}
	found := map[string]version{}
	for _, item := range list.Items {
		if item.Name == c.options.Replica || isFurther(c.options.Replica, item.Name) {
			found[item.Name] = versionOf(&item)
		}
	}
	return found, nil
}

// isFurther says whether a report is one of those over which the replica spreads its uses: its name, ".uses-" and a number.
func isFurther(replica, name string) bool {
	number, ok := strings.CutPrefix(name, replica+".uses-")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// Changed names the reports of this replica that are not there as they were written or found last.
func (c *Cluster) Changed(ctx context.Context) ([]string, error) {
	found, err := c.found(ctx)
	if err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for name, v := range c.versions {
		changed[name] = found[name] != v
	}
	for name, v := range found {
		changed[name] = c.versions[name] != v
	}
	maps.DeleteFunc(changed, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(changed)), nil
}

// Put creates or replaces a report.
func (c *Cluster) Put(ctx context.Context, report *v1alpha1.ReplicaReport) error {
	wanted := report.DeepCopy()
	wanted.ObjectMeta = metav1.ObjectMeta{Namespace: c.options.Namespace, Name: report.Name, Labels: labels()}
	known := c.versions[report.Name]
	delete(c.versions, report.Name)
	// Another process of this name, or a person, may come in between; twice in a row is not worth a third attempt now.
	for range 3 {
		written, err := c.put(ctx, wanted, known)
		if err == nil {
			c.versions[report.Name] = versionOf(written)
			return nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
		if known, err = c.version(ctx, report.Name); err != nil {
			return err
		}
	}
	return fmt.Errorf("somebody else writes the report %s at the same time", report.Name)
}

// put replaces the known version, or creates the report where none is known.
func (c *Cluster) put(ctx context.Context, report *v1alpha1.ReplicaReport, known version) (*v1alpha1.ReplicaReport, error) {
	report.UID, report.ResourceVersion = known.uid, known.resourceVersion
	if known == (version{}) {
		return c.reports.Create(ctx, report, metav1.CreateOptions{})
	}
	return c.reports.Update(ctx, report, metav1.UpdateOptions{})
}

// version answers that of a report which is there, or none.
func (c *Cluster) version(ctx context.Context, name string) (version, error) {
	report, err := c.metadata.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return version{}, nil
	}
	if err != nil {
		return version{}, err
	}
	return versionOf(report), nil
}

// Delete deletes a report.
func (c *Cluster) Delete(ctx context.Context, name string) error {
	err := c.reports.Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	delete(c.versions, name)
	return nil
}
