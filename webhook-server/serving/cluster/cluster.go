// Package cluster reads serving documents from the system namespace of a Kubernetes cluster.
package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
)

const (
	// Patience is how long the API server has at a start before the copy on disk is served in its place.
	Patience = 5 * time.Second
	// restFactor and longestRest bound what changes cost: after applying some the source collects others four times as long, so that a
	// stream of them takes a fifth of one core at most, and the first of them no time.
	restFactor  = 4
	longestRest = 500 * time.Millisecond
)

// Options is everything a Source is told.
type Options struct {
	// Namespace is the system namespace.
	Namespace string
	State     *serving.State
	// Copy is where the documents are kept for a start without the API server; nil keeps none. Run runs it, and closes it in the end.
	Copy *lastgood.Copy
	// Patience is how long the API server has before the copy is served.
	Patience time.Duration
	Logger   *slog.Logger

	backoff *wait.Backoff // between failed calls; nil for calm
}

// calm goes from one to five seconds, and up to twice that by chance: a suspension is in force soon after the API server has come back, and
// not the half minute later that is usual.
func calm() *wait.Backoff {
	return &wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 1, Steps: 4, Cap: 5 * time.Second}
}

// Source watches the ConfigMaps and Secrets that hold documents, and nothing else: the server needs no right to any other Secret.
type Source struct {
	options    Options
	configMaps *objects
	secrets    *objects
	reflectors []reflector
	wake       chan struct{} // buffered by one: any number of changes is one look

	uncopied map[string]change // by object: what is not copied yet, because it was refused
}

// reflector is a cache.Reflector, as far as it is run.
type reflector interface{ RunWithContext(context.Context) }

// New prepares the watches; Run starts them.
func New(config *rest.Config, o Options) (*Source, error) {
	config = rest.CopyConfig(config)
	config.ContentType = runtime.ContentTypeProtobuf // JSON, which any API server speaks, costs several times as much to read
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return newSource(client, o)
}

func newSource(client kubernetes.Interface, o Options) (*Source, error) {
	s := &Source{options: o, wake: make(chan struct{}, 1), uncopied: map[string]change{}}
	if o.backoff == nil {
		o.backoff = calm()
	}
	s.configMaps = newObjects(lastgood.ConfigMaps, s.note, o.Logger)
	s.secrets = newObjects(lastgood.Secrets, s.note, o.Logger)
	if o.Copy != nil {
		// What the copy has and the first list has not is gone.
		for _, resource := range []*objects{s.configMaps, s.secrets} {
			names, err := o.Copy.Names(resource.resource)
			if err != nil {
				return nil, fmt.Errorf("reading the copy of the serving documents: %w", err)
			}
			resource.expect(names)
		}
	}
	s.reflectors = []reflector{
		reflectSecrets(client, o, s.secrets),
		reflectConfigMaps(client, o, s.configMaps),
	}
	return s, nil
}

// Run watches until ctx ends. While the API server is away, what was read serves on and the watches are taken up again by themselves.
func (s *Source) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	var impatient <-chan time.Time
	if s.options.Copy != nil {
		defer s.runCopy(ctx, &running)()
		impatient = time.After(s.options.Patience)
	}
	for _, r := range s.reflectors {
		running.Go(func() { r.RunWithContext(quiet(ctx)) })
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-impatient:
			s.serveCopy()
			continue
		case <-s.wake:
		}
		// The first Snapshot is made from everything at once, so that no gateway is looked at without its secrets.
		if !s.configMaps.isListed() || !s.secrets.isListed() {
			continue
		}
		impatient = nil
		started := time.Now()
		s.apply()
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(restFactor*time.Since(started), longestRest)):
		}
	}
}

// apply takes everything that has come from both resources since it last did.
func (s *Source) apply() {
	wasStale := s.options.State.Stale()
	configMaps, configMapsVersion := s.configMaps.take()
	secrets, secretsVersion := s.secrets.take()
	batch := serving.Batch{ConfigMaps: configMapsVersion, Secrets: secretsVersion}
	for _, changes := range []map[string]change{secrets, configMaps} {
		for object, c := range changes {
			batch.Updates = append(batch.Updates, serving.Update{Object: object, Data: c.data})
		}
	}
	s.options.State.ApplyBatch(batch)
	s.options.State.MarkSynced()
	if wasStale {
		s.options.Logger.Info("the API server has answered, the copy of the serving documents is replaced by what it says")
	}
	s.copy(secrets)
	s.copy(configMaps)
}

func (s *Source) note() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
