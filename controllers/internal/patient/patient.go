// Package patient has informers ask an API server that is away every second or two. Left to itself client-go rests for longer each time, up to a
// minute in the end, and for as long the operator would see nothing of what happens once the API server is back.
package patient

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/watchlist"
)

const (
	// rest is between two tries, and up to twice as long by chance, so that not all informers ask at once.
	rest = time.Second
	// longestRest bounds what the API server may ask for by Retry-After.
	longestRest = 10 * time.Second
	// logInterval is how often it is logged that the API server is still away, for each kind.
	logInterval = time.Minute
)

// NewInformer is the kind of function that makes the informers of a cache.
type NewInformer = func(cache.ListerWatcher, runtime.Object, time.Duration, cache.Indexers) cache.SharedIndexInformer

// Informers answers a function that makes informers whose calls wait for the API server while it is away. Every other failure is the
// reflector's to handle, as ever.
func Informers(logger *slog.Logger) NewInformer {
	return func(lw cache.ListerWatcher, example runtime.Object, resync time.Duration, indexers cache.Indexers) cache.SharedIndexInformer {
		return cache.NewSharedIndexInformer(newListerWatcher(lw, fmt.Sprintf("%T", example), logger), example, resync, indexers)
	}
}

// listerWatcher tries calls again until the API server answers. The calls without a context, which could not be ended, are made once.
type listerWatcher struct {
	cache.ListerWatcher
	calls  cache.ListerWatcherWithContext
	kind   string
	logger *slog.Logger

	mu     sync.Mutex
	logged time.Time // when it was last logged that the API server is away; zero while it is there
}

var (
	_ cache.ListerWatcher            = (*listerWatcher)(nil)
	_ cache.ListerWatcherWithContext = (*listerWatcher)(nil)
)

func newListerWatcher(lw cache.ListerWatcher, kind string, logger *slog.Logger) *listerWatcher {
	return &listerWatcher{ListerWatcher: lw, calls: cache.ToListerWatcherWithContext(lw), kind: kind, logger: logger}
}

// ListWithContext lists as soon as the API server answers.
func (l *listerWatcher) ListWithContext(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	return untilAnswered(ctx, l, func() (runtime.Object, error) { return l.calls.ListWithContext(ctx, options) })
}

// WatchWithContext begins a watch, also one that streams the list, as soon as the API server answers.
func (l *listerWatcher) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return untilAnswered(ctx, l, func() (watch.Interface, error) { return l.calls.WatchWithContext(ctx, options) })
}

// IsWatchListSemanticsUnSupported passes on what the client says of streamed lists; client-go asks by this name.
func (l *listerWatcher) IsWatchListSemanticsUnSupported() bool {
	return watchlist.DoesClientNotSupportWatchListSemantics(l.ListerWatcher)
}

// untilAnswered calls until the API server answers, be it by a refusal, or ctx ends. Its error is then that of ctx: by any other the reflector
// would rest before it ends.
func untilAnswered[T any](ctx context.Context, l *listerWatcher, call func() (T, error)) (T, error) {
	for {
		answer, err := call()
		if ctx.Err() != nil || !isAway(err) {
			l.answered(ctx)
			return answer, err
		}
		l.away(err)
		timer := time.NewTimer(restAfter(err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return answer, ctx.Err()
		case <-timer.C:
		}
	}
}

func restAfter(err error) time.Duration {
	return max(wait.Jitter(rest, 1), min(askedFor(err), longestRest))
}

func (l *listerWatcher) away(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.logged.IsZero() && time.Since(l.logged) < logInterval {
		return
	}
	l.logged = time.Now()
	l.logger.Warn("the API server is away, it is asked again every second or two", "kind", l.kind, "error", err)
}

func (l *listerWatcher) answered(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logged.IsZero() || ctx.Err() != nil {
		return
	}
	l.logged = time.Time{}
	l.logger.Info("the API server answers again", "kind", l.kind)
}
