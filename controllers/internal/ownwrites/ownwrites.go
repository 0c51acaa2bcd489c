// Package ownwrites lets a reconciler read what it has just written, though the cache has not seen that yet.
//
// Without it, a reconcile that follows at once on another decides upon the copy from before: it asks for the same status to be written again,
// is refused for the conflict, and has to look a third time.
package ownwrites

import (
	"container/list"
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// keep is for how long the answer to a write is remembered. A cache that is further behind is waited for by way of conflicts.
const keep = 10 * time.Second

// New answers a client whose Get answers, for a MerchantGateway or an OAuthClient that this client has patched, nothing older than the
// answer to that. In every other way it is c. now is the clock by which answers are forgotten.
func New(c client.Client, now func() time.Time) client.Client {
	return &reader{Client: c, written: written{now: now, answers: map[name]*list.Element{}}}
}

type reader struct {
	client.Client
	written written
}

// Get reads from the cache, or answers what was written last when the cache is behind that.
func (r *reader) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if err := r.Client.Get(ctx, key, object, options...); err != nil {
		return err
	}
	r.written.renew(object)
	return nil
}

// Patch remembers the answer.
func (r *reader) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	if err := r.Client.Patch(ctx, object, patch, options...); err != nil {
		return err
	}
	r.written.remember(object)
	return nil
}

// Status answers a writer that remembers the answers.
func (r *reader) Status() client.SubResourceWriter {
	return &statusWriter{r.Client.Status(), &r.written}
}

type statusWriter struct {
	client.SubResourceWriter
	written *written
}

// Patch remembers the answer.
func (w *statusWriter) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
	if err := w.SubResourceWriter.Patch(ctx, object, patch, options...); err != nil {
		return err
	}
	w.written.remember(object)
	return nil
}

// written holds the answers to the last writes, the oldest first in order.
type written struct {
	now func() time.Time

	mu      sync.Mutex
	answers map[name]*list.Element
	order   list.List // of answer
}

// name tells one resource from another.
type name struct {
	kind string
	key  client.ObjectKey
}

type answer struct {
	name   name
	object client.Object
	at     time.Time
}

// kindOf answers the kind of a resource whose writes are remembered, or "".
func kindOf(object client.Object) string {
	switch object.(type) {
	case *v1alpha1.OAuthClient:
		return "OAuthClient"
	case *v1alpha1.MerchantGateway:
		return "MerchantGateway"
	default:
		return ""
	}
}

// remember takes up the answer to a write, and forgets those that are old.
func (w *written) remember(object client.Object) {
	kind := kindOf(object)
	if kind == "" {
		return
	}
	a := answer{name{kind, client.ObjectKeyFromObject(object)}, object.DeepCopyObject().(client.Object), w.now()}
	a.object.SetManagedFields(nil) // the cache has none either
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(a.name)
	w.answers[a.name] = w.order.PushBack(a)
	for oldest := w.order.Front().Value.(answer); a.at.Sub(oldest.at) > keep; oldest = w.order.Front().Value.(answer) {
		w.forget(oldest.name)
	}
}

// renew makes an object that was read what was written, when that is newer. What has been read once need not be remembered any more.
func (w *written) renew(read client.Object) {
	n := name{kindOf(read), client.ObjectKeyFromObject(read)}
	w.mu.Lock()
	defer w.mu.Unlock()
	element, ok := w.answers[n]
	if !ok {
		return
	}
	newer := element.Value.(answer).object
	if !follows(newer, read) {
		w.forget(n)
		return
	}
	switch to := read.(type) {
	case *v1alpha1.OAuthClient:
		newer.(*v1alpha1.OAuthClient).DeepCopyInto(to)
	case *v1alpha1.MerchantGateway:
		newer.(*v1alpha1.MerchantGateway).DeepCopyInto(to)
	}
}

// follows says whether the object that a write was answered with is a later state of the one that was read. The last finalizer takes a resource
// that is being deleted with it: nothing comes after that, and its version need not have grown.
func follows(answered, read client.Object) bool {
	if answered.GetUID() != read.GetUID() {
		return false
	}
	if !answered.GetDeletionTimestamp().IsZero() && len(answered.GetFinalizers()) == 0 {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(read.GetResourceVersion(), answered.GetResourceVersion())
	return err == nil && order < 0
}

func (w *written) forget(n name) {
	if element, ok := w.answers[n]; ok {
		w.order.Remove(element)
		delete(w.answers, n)
	}
}
