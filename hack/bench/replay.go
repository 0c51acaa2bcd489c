package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// replay is the floor: a plain client-go program that makes for each client the writes that the operator has made for one, byte for byte
// but for the names, in the same order, with nothing else: no cache, no watch, no reads, nothing to decide.
type replay struct {
	sample *v1alpha1.OAuthClient // as it was created
	writes []request             // what the operator wrote for it
	// resources and core are the clients that a generated one would hold.
	resources, core, events rest.Interface
}

// resourceVersion is where a patch says what it was decided upon.
var resourceVersion = regexp.MustCompile(`"resourceVersion":"[0-9]+"`)

func newReplay(c *cluster, sample *v1alpha1.OAuthClient, writes []request) (*replay, error) {
	r := &replay{sample: sample}
	for _, w := range writes {
		if w.wrote() {
			r.writes = append(r.writes, w)
		}
	}
	types := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(types); err != nil {
		return nil, fmt.Errorf("registering the resources: %w", err)
	}
	config := rest.CopyConfig(c.config)
	config.APIPath, config.GroupVersion = "/apis", &v1alpha1.GroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(types).WithoutConversion()
	var err error
	if r.resources, err = rest.RESTClientFor(config); err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	config = rest.CopyConfig(c.config)
	config.ContentType = runtime.ContentTypeProtobuf
	builtin, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	r.core, r.events = builtin.CoreV1().RESTClient(), builtin.EventsV1().RESTClient()
	return r, nil
}

// run makes the clients with the numbers from begin up to end, and answers how long that took.
func (r *replay) run(ctx context.Context, begin, end, gateways, workers int) (time.Duration, error) {
	began := time.Now()
	err := inParallel(ctx, begin, end, workers, func(ctx context.Context, i int) error { return r.client(ctx, newClient(i, gateways)) })
	return time.Since(began), err
}

// client creates a client and makes all writes for it.
func (r *replay) client(ctx context.Context, client *v1alpha1.OAuthClient) error {
	created := &v1alpha1.OAuthClient{}
	err := r.resources.Post().Namespace(client.Namespace).Resource("oauthclients").Body(client).Do(ctx).Into(created)
	if err != nil {
		return fmt.Errorf("creating %s: %w", client.Name, err)
	}
	names := strings.NewReplacer(r.sample.Name, client.Name, r.sample.Namespace, client.Namespace, string(r.sample.UID), string(created.UID))
	for _, w := range r.writes {
		body := resourceVersion.ReplaceAll([]byte(names.Replace(string(w.body))), []byte(`"resourceVersion":"`+created.ResourceVersion+`"`))
		if err := r.send(ctx, w, names.Replace(w.path), body, created); err != nil {
			return fmt.Errorf("%s for %s: %w", w.kind(), client.Name, err)
		}
	}
	return nil
}

func (r *replay) send(ctx context.Context, w request, path string, body []byte, client *v1alpha1.OAuthClient) error {
	with, into := r.core, runtime.Object(&corev1.Secret{})
	switch {
	case strings.Contains(path, v1alpha1.GroupVersion.Group):
		with, into = r.resources, client
	case strings.Contains(path, eventsv1.GroupName):
		with, into = r.events, &eventsv1.Event{}
	}
	url := path
	if w.query != "" {
		url += "?" + w.query
	}
	return with.Verb(w.method).RequestURI(url).SetHeader("Content-Type", w.contentType).Body(body).Do(ctx).Into(into)
}
