package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	api "github.com/d1gateway/d1gateway/api/serving"
)

func reflectSecrets(client kubernetes.Interface, o Options, to *objects) reflector {
	secrets := client.CoreV1().Secrets(o.Namespace)
	return reflectInto(client, &corev1.Secret{}, to, o, calls{
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return secrets.List(ctx, o) },
		secrets.Watch,
	})
}

func reflectConfigMaps(client kubernetes.Interface, o Options, to *objects) reflector {
	configMaps := client.CoreV1().ConfigMaps(o.Namespace)
	return reflectInto(client, &corev1.ConfigMap{}, to, o, calls{
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return configMaps.List(ctx, o)
		},
		configMaps.Watch,
	})
}

// calls are how one resource is read.
type calls struct {
	list  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// reflectInto makes a reflector. Where the API server streams the list in a watch (WatchList) the reflector collects it first and hands it
// over by Replace as well, so that a list is a whole in either mode.
func reflectInto(client kubernetes.Interface, kind runtime.Object, to *objects, options Options, c calls) reflector {
	log := newConnection(to.resource, options.Logger)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = api.LabelDocument
			list, err := c.list(ctx, o)
			log.note(ctx, o, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = api.LabelDocument
			w, err := c.watch(ctx, o)
			log.note(ctx, o, err)
			if err != nil {
				return nil, err
			}
			return observe(w, func(err error) { log.note(ctx, o, err) }), nil
		},
	}
	return cache.NewReflectorWithOptions(cache.ToListWatcherWithWatchListSemantics(lw, client), kind, to,
		cache.ReflectorOptions{Name: to.resource, Backoff: options.backoff})
}

// quiet takes away the reflectors' own log lines: they are not ours in form, and connection writes what there is to know.
func quiet(ctx context.Context) context.Context { return klog.NewContext(ctx, klog.Logger{}) }
