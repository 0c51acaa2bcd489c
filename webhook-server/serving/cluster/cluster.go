// Package cluster reads serving documents from the system namespace of a Kubernetes cluster.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Source watches the ConfigMaps and Secrets that hold documents, and nothing else: the server needs no right to any other Secret.
type Source struct {
	factory informers.SharedInformerFactory
	state   *serving.State
	logger  *slog.Logger
	wake    chan struct{} // buffered by one: any number of changes is one look

	delivered []cache.InformerSynced // whether the first list has reached pending

	mu      sync.Mutex
	pending map[string]serving.Update // by object: the newest of each
}

// New prepares the watches; Run starts them.
func New(config *rest.Config, namespace string, state *serving.State, logger *slog.Logger) (*Source, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return newSource(client, namespace, state, logger)
}

func newSource(client kubernetes.Interface, namespace string, state *serving.State, logger *slog.Logger) (*Source, error) {
	s := &Source{
		factory: informers.NewSharedInformerFactoryWithOptions(client, 0,
			informers.WithNamespace(namespace),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = api.LabelDocument }),
			informers.WithTransform(dropManagedFields)),
		state:   state,
		logger:  logger,
		wake:    make(chan struct{}, 1),
		pending: map[string]serving.Update{},
	}
	for _, informer := range s.informers() {
		registration, err := informer.AddEventHandler(s)
		if err != nil {
			return nil, fmt.Errorf("watching serving documents: %w", err)
		}
		s.delivered = append(s.delivered, registration.HasSynced)
	}
	return s, nil
}

func (s *Source) informers() []cache.SharedIndexInformer {
	core := s.factory.Core().V1()
	return []cache.SharedIndexInformer{core.Secrets().Informer(), core.ConfigMaps().Informer()}
}

// Run watches until ctx ends. While the API server is away, what was read serves on and the watches are taken up again by themselves.
func (s *Source) Run(ctx context.Context) {
	s.factory.StartWithContext(ctx)
	defer s.factory.Shutdown()
	// The first Snapshot is made from everything at once, so that no gateway is looked at without its secrets.
	if !cache.WaitForCacheSync(ctx.Done(), s.delivered...) {
		return
	}
	s.apply()
	s.state.MarkSynced()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			s.apply()
		}
	}
}

func (s *Source) apply() {
	s.mu.Lock()
	updates := make([]serving.Update, 0, len(s.pending))
	for _, u := range s.pending {
		updates = append(updates, u)
	}
	clear(s.pending)
	s.mu.Unlock()
	s.state.Apply(updates)
}

// OnAdd takes up a new object.
func (s *Source) OnAdd(object any, _ bool) {
	u, err := updateOf(object)
	if err != nil {
		s.logger.Error("serving document cannot be read", "error", err)
		return
	}
	s.note(u)
}

// OnUpdate takes up a changed object.
func (s *Source) OnUpdate(_, object any) { s.OnAdd(object, false) }

// OnDelete takes up that an object is gone, also when the watch missed the moment.
func (s *Source) OnDelete(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	if m, err := meta.Accessor(object); err == nil {
		s.note(serving.Update{Object: m.GetName()})
	}
}

func (s *Source) note(u serving.Update) {
	s.mu.Lock()
	s.pending[u.Object] = u
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// updateOf finds the document in an object. An object without one is an empty document, which is refused and reported by name.
func updateOf(object any) (serving.Update, error) {
	switch o := object.(type) {
	case *corev1.Secret:
		return serving.Update{Object: o.Name, Data: append([]byte{}, o.Data[api.DataKey]...)}, nil
	case *corev1.ConfigMap:
		return serving.Update{Object: o.Name, Data: []byte(o.Data[api.DataKey])}, nil
	default:
		return serving.Update{}, errors.New("object is neither a Secret nor a ConfigMap")
	}
}

func dropManagedFields(object any) (any, error) {
	if m, err := meta.Accessor(object); err == nil {
		m.SetManagedFields(nil)
	}
	return object, nil
}
