package testenv

import (
	"context"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// leaseSeconds is the longest that the operator takes, so that a replica stays live where a test moves its clock by a minute.
	leaseSeconds int32 = 120
	renewEvery         = 10 * time.Second
)

// Replica stands for a replica of the webhook-server in the tests of the operator: it reports each document as served when it has seen it, and that
// nothing waits for a gateway that is being deleted.
type Replica struct {
	setting *Setting
	name    string
	stop    func()

	mu      sync.Mutex
	paused  bool
	changed chan struct{} // buffered by one
	report  v1alpha1.ReplicaReport
	// undelivered is what a test wants reported of gateways, and draining are those that are being deleted, by their UID.
	undelivered map[types.UID]*int64
	draining    map[types.UID]serving.Header
}

// StartReplica runs a replica until the test ends or stops it.
func (s *Setting) StartReplica(t *testing.T, name string) *Replica {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	meta := metav1.ObjectMeta{Namespace: s.System, Name: name, Labels: map[string]string{v1alpha1.LabelReplica: v1alpha1.ReplicaValue}}
	r := &Replica{setting: s, name: name, changed: make(chan struct{}, 1), undelivered: map[types.UID]*int64{}, draining: map[types.UID]serving.Header{}, report: v1alpha1.ReplicaReport{
		ObjectMeta: meta, Replica: name, Documents: &v1alpha1.ServedDocuments{ConfigMapsVersion: "1", SecretsVersion: "1"},
	}}
	var running sync.WaitGroup
	for _, list := range []client.ObjectList{&corev1.SecretList{}, &corev1.ConfigMapList{}} {
		running.Go(func() { r.follow(ctx, list) })
	}
	s.Create(t, r.report.DeepCopy(), &coordinationv1.Lease{ObjectMeta: meta, Spec: coordinationv1.LeaseSpec{
		HolderIdentity: ptr.To(name), LeaseDurationSeconds: ptr.To(leaseSeconds), RenewTime: ptr.To(metav1.NewMicroTime(s.ReplicaClock.Now())),
	}})
	running.Go(func() { r.write(ctx) })
	running.Go(func() { r.renew(ctx) })
	r.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(r.stop)
	return r
}

// Stop ends the replica as a server does that is asked to stop: its Lease goes, its report stays.
func (r *Replica) Stop(t *testing.T) {
	t.Helper()
	r.stop()
	r.setting.Delete(t, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: r.setting.System, Name: r.name}})
}

// Pause has the replica fall behind; Resume has it catch up.
func (r *Replica) Pause() { r.change(func() { r.paused = true }) }

// Resume has the replica report again.
func (r *Replica) Resume() { r.change(func() { r.paused = false }) }

// Use reports the use of a credential or signing key of a document.
func (r *Replica) Use(document, id string, at time.Time) {
	r.change(func() {
		r.report.Uses = append(r.report.Uses, v1alpha1.CredentialUse{Document: document, ID: id, LastUsedTime: metav1.NewTime(at.UTC().Truncate(time.Second))})
	})
}

// Refuse reports a document as refused; an empty message takes it back.
func (r *Replica) Refuse(document, message string) {
	r.change(func() {
		r.report.Documents.Refused = nil
		if message != "" {
			r.report.Documents.Refused = []v1alpha1.RefusedDocument{{Object: document, Message: message}}
		}
	})
}

// Undelivered reports how many notifications wait for a gateway, from when its deletion begins.
func (r *Replica) Undelivered(g *v1alpha1.MerchantGateway, count int64) { r.count(g, ptr.To(count)) }

// SayNothingOf has the replica report nothing of the deletion of a gateway.
func (r *Replica) SayNothingOf(g *v1alpha1.MerchantGateway) { r.count(g, nil) }

func (r *Replica) count(g *v1alpha1.MerchantGateway, count *int64) {
	r.change(func() {
		r.undelivered[g.UID] = count
		r.reportDraining()
	})
}

// drain takes up whether a gateway is being deleted.
func (r *Replica) drain(object *corev1.ConfigMap, deleted bool) {
	document, err := serving.Decode([]byte(object.Data[serving.DataKey]))
	gateway, ok := document.(*serving.Gateway)
	if err != nil || !ok {
		return
	}
	delete(r.draining, types.UID(gateway.UID))
	if gateway.Draining && !deleted {
		r.draining[types.UID(gateway.UID)] = gateway.Header
	}
	r.reportDraining()
}

func (r *Replica) reportDraining() {
	r.report.Draining = nil
	for uid, gateway := range r.draining {
		count, told := r.undelivered[uid]
		if !told {
			count = ptr.To[int64](0)
		}
		if count == nil {
			continue
		}
		r.report.Draining = append(r.report.Draining, v1alpha1.DrainingGateway{
			Namespace: gateway.Namespace, Name: gateway.Name, UID: gateway.UID, Undelivered: count,
		})
	}
}

func (r *Replica) change(how func()) {
	r.mu.Lock()
	how()
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// follow watches until ctx ends, and again when the API server was away.
func (r *Replica) follow(ctx context.Context, list client.ObjectList) {
	for ctx.Err() == nil {
		untilDone(ctx, func() error {
			events, err := r.setting.Client.Watch(ctx, list, client.InNamespace(r.setting.System), client.HasLabels{serving.LabelDocument})
			if err == nil {
				r.take(events)
			}
			return err
		})
	}
}

// untilDone tries something again and again until it succeeds or ctx ends.
func untilDone(ctx context.Context, try func() error) {
	_ = wait.PollUntilContextCancel(ctx, interval, true, func(context.Context) (bool, error) { return try() == nil, nil })
}

func (r *Replica) take(events watch.Interface) {
	for event := range events.ResultChan() {
		switch o := event.Object.(type) {
		case *corev1.Secret:
			r.change(func() { raise(&r.report.Documents.SecretsVersion, o.ResourceVersion) })
		case *corev1.ConfigMap:
			r.change(func() {
				raise(&r.report.Documents.ConfigMapsVersion, o.ResourceVersion)
				r.drain(o, event.Type == watch.Deleted)
			})
		}
	}
}

func raise(version *string, seen string) {
	if order, err := resourceversion.CompareResourceVersion(*version, seen); err == nil && order < 0 {
		*version = seen
	}
}

// write keeps the report up to date, also when it was deleted or the API server was away.
func (r *Replica) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.changed:
		}
		untilDone(ctx, func() error {
			r.mu.Lock()
			report, paused := r.report.DeepCopy(), r.paused
			r.mu.Unlock()
			if paused {
				return nil
			}
			var stored v1alpha1.ReplicaReport
			err := r.setting.Client.Get(ctx, client.ObjectKeyFromObject(report), &stored)
			if apierrors.IsNotFound(err) {
				return r.setting.Client.Create(ctx, report)
			}
			if err != nil {
				return err
			}
			report.ResourceVersion = stored.ResourceVersion
			return r.setting.Client.Update(ctx, report)
		})
	}
}

// renew keeps the replica live by the clock that the operator sees Leases by, also when the API server was away.
func (r *Replica) renew(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(renewEvery):
		}
		untilDone(ctx, func() error {
			var lease coordinationv1.Lease
			err := r.setting.Client.Get(ctx, client.ObjectKey{Namespace: r.setting.System, Name: r.name}, &lease)
			if apierrors.IsNotFound(err) {
				return nil // A test has deleted it.
			}
			if err != nil {
				return err
			}
			lease.Spec.RenewTime = ptr.To(metav1.NewMicroTime(r.setting.ReplicaClock.Now()))
			return r.setting.Client.Update(ctx, &lease)
		})
	}
}
