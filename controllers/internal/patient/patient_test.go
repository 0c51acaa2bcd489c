package patient

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

var configMaps = schema.GroupResource{Resource: "configmaps"}

// refused is what net/http answers when nobody listens.
func refused() error {
	return &url.Error{Op: "Get", URL: "https://10.96.0.1/api", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
}

// apiServer fails as it is told, and counts the calls.
type apiServer struct {
	calls atomic.Int32
	// fail answers why the call of this number, from 1, fails; nil lets it succeed.
	fail func(call int32) error
}

func (a *apiServer) listWatch() *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
			if err := a.fail(a.calls.Add(1)); err != nil {
				return nil, err
			}
			return &corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}, nil
		},
		WatchFuncWithContext: func(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
			if err := a.fail(a.calls.Add(1)); err != nil {
				return nil, err
			}
			w := watch.NewFake()
			if options.SendInitialEvents != nil {
				go w.Action(watch.Bookmark, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
					ResourceVersion: "1", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
				}})
			}
			return w, nil
		},
	}
}

// both calls both methods of a patient listerWatcher, each on an API server of its own.
func both(t *testing.T, fail func(int32) error, check func(t *testing.T, a *apiServer, call func(context.Context) error)) {
	t.Helper()
	for _, method := range []string{"list", "watch"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &apiServer{fail: fail}
				l := newListerWatcher(a.listWatch(), "ConfigMap", slog.New(slog.DiscardHandler))
				check(t, a, func(ctx context.Context) error {
					if method == "list" {
						_, err := l.ListWithContext(ctx, metav1.ListOptions{})
						return err
					}
					_, err := l.WatchWithContext(ctx, metav1.ListOptions{})
					return err
				})
			})
		})
	}
}

func TestACallIsTriedAgainEverySecondOrTwoWhileTheAPIServerIsAway(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]error{
		"nobody listens":         refused(),
		"the name is unknown":    &url.Error{Op: "Get", Err: &net.DNSError{IsNotFound: true}},
		"no answer in time":      &net.OpError{Op: "read", Err: &net.DNSError{IsTimeout: true}},
		"the connection is lost": syscall.ECONNRESET,
		"503":                    apierrors.NewServiceUnavailable("starting"),
		"429":                    apierrors.NewTooManyRequests("busy", 1),
		"504":                    apierrors.NewTimeoutError("slow", 0),
		"502 of a load balancer": apierrors.NewGenericServerResponse(http.StatusBadGateway, "GET", configMaps, "", "", 0, true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const failures = 30
			fail := func(call int32) error {
				if call <= failures {
					return away
				}
				return nil
			}
			both(t, fail, func(t *testing.T, a *apiServer, call func(context.Context) error) {
				began := time.Now()
				if err := call(t.Context()); err != nil || a.calls.Load() != failures+1 {
					t.Errorf("%d calls, %v", a.calls.Load(), err)
				}
				if took := time.Since(began); took < failures*time.Second || took > failures*2*time.Second {
					t.Errorf("%d tries took %s", failures, took)
				}
			})
		})
	}
}

func TestWhatTheAPIServerHasDecidedGoesThroughAtOnce(t *testing.T) {
	t.Parallel()
	tooLarge := apierrors.NewTimeoutError("Too large resource version", 1)
	tooLarge.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge}}
	for name, decided := range map[string]error{
		"no such kind":                      apierrors.NewNotFound(configMaps, ""),
		"no right":                          apierrors.NewForbidden(configMaps, "", nil),
		"no login":                          apierrors.NewUnauthorized("who"),
		"a version too old":                 apierrors.NewResourceExpired("gone"),
		"a version that is gone":            apierrors.NewResourceExpired("gone"),
		"a version to come":                 tooLarge,
		"no streamed lists":                 apierrors.NewInvalid(schema.GroupKind{}, "", nil),
		"an error of its own":               apierrors.NewInternalError(errors.New("x")),
		"an answer that cannot be read":     errors.New("unable to decode"),
		"a call that somebody has given up": &url.Error{Op: "Get", Err: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(int32) error { return decided }, func(t *testing.T, a *apiServer, call func(context.Context) error) {
				began := time.Now()
				if err := call(t.Context()); !errors.Is(err, decided) || a.calls.Load() != 1 || time.Since(began) != 0 {
					t.Errorf("%v after %d calls and %s", err, a.calls.Load(), time.Since(began))
				}
			})
		})
	}
}

func TestTheAPIServerMayAskForALongerRestWithinBounds(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]time.Duration{5: 5 * time.Second, 3600: longestRest} {
		fail := func(call int32) error {
			if call == 1 {
				return apierrors.NewTooManyRequests("busy", seconds)
			}
			return nil
		}
		both(t, fail, func(t *testing.T, _ *apiServer, call func(context.Context) error) {
			began := time.Now()
			if err := call(t.Context()); err != nil || time.Since(began) != want {
				t.Errorf("asked for %d s, rested %s, %v", seconds, time.Since(began), err)
			}
		})
	}
}

func TestTheEndIsNotHeldUp(t *testing.T) {
	t.Parallel()
	both(t, func(int32) error { return refused() }, func(t *testing.T, _ *apiServer, call func(context.Context) error) {
		ctx, cancel := context.WithTimeout(t.Context(), 12345*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 12345*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestAnOutageIsLoggedOnceAMinuteAndItsEndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		began := time.Now()
		a := &apiServer{fail: func(int32) error {
			if time.Since(began) < 150*time.Second {
				return refused()
			}
			return nil
		}}
		l := newListerWatcher(a.listWatch(), "ConfigMap", slog.New(slog.NewTextHandler(&log, nil)))
		for range 3 {
			if _, err := l.ListWithContext(t.Context(), metav1.ListOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if away, back := strings.Count(log.String(), "level=WARN"), strings.Count(log.String(), "level=INFO"); away != 3 || back != 1 {
			t.Errorf("%d lines of the outage and %d of its end in:\n%s", away, back, log.String())
		}
	})
}

// TestAnInformerSeesTheClusterSoonAfterAnOutage is with client-go's own reflector, which would rest for half a minute and more by then.
func TestAnInformerSeesTheClusterSoonAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const outage = 2 * time.Minute
		began := time.Now()
		a := &apiServer{fail: func(int32) error {
			if time.Since(began) < outage {
				return refused()
			}
			return nil
		}}
		informer := Informers(slog.New(slog.DiscardHandler))(a.listWatch(), &corev1.ConfigMap{}, 0, cache.Indexers{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			informer.RunWithContext(ctx)
		}()
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			t.Fatal("it has not synced")
		}
		if late := time.Since(began) - outage; late > 3*time.Second {
			t.Errorf("the informer has synced %s after the outage", late)
		}
		cancel()
		stopped := time.Now()
		<-ended
		if held := time.Since(stopped); held > time.Second {
			t.Errorf("its end took %s", held)
		}
	})
}

// TestAnInformerEndsDuringAnOutage at once.
func TestAnInformerEndsDuringAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &apiServer{fail: func(int32) error { return refused() }}
		informer := Informers(slog.New(slog.DiscardHandler))(a.listWatch(), &corev1.ConfigMap{}, 0, cache.Indexers{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+300*time.Millisecond)
		defer cancel()
		began := time.Now()
		informer.RunWithContext(ctx)
		if took := time.Since(began); took > time.Minute+time.Second {
			t.Errorf("it ended %s after it was told to", took-time.Minute)
		}
	})
}

// semantics is a client that says whether it can stream lists.
type semantics struct {
	cache.ListerWatcher
	unsupported bool
}

func (s semantics) IsWatchListSemanticsUnSupported() bool { return s.unsupported }

func TestWhetherListsAreStreamedIsTheClientsToSay(t *testing.T) {
	t.Parallel()
	plain := (&apiServer{}).listWatch()
	for lw, want := range map[cache.ListerWatcher]bool{plain: false, semantics{plain, true}: true, semantics{plain, false}: false} {
		if got := newListerWatcher(lw, "", nil).IsWatchListSemanticsUnSupported(); got != want {
			t.Errorf("%+v: got %v", lw, got)
		}
	}
}
