package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestTheManifestsAreAccepted sends each manifest of config/ to the API server, which must not find an unknown field.
func TestTheManifestsAreAccepted(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "d1gateway-system"}}
	if err := cluster.Client.Create(t.Context(), namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	strict := client.WithFieldValidation(cluster.Client, metav1.FieldValidationStrict)
	objects := manifests(t, "rbac")
	objects = append(objects, manifests(t, "controllers")...)
	if len(objects) < 8 {
		t.Errorf("there are only %d manifests", len(objects))
	}
	for _, object := range objects {
		err := strict.Create(t.Context(), object, client.DryRunAll)
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
}

// TestEveryDefinitionIsInstalled: one that is not listed is missing in every cluster but those of the tests.
func TestEveryDefinitionIsInstalled(t *testing.T) {
	root := filepath.Join(testenv.Root(t), "config", "crd")
	files, err := filepath.Glob(filepath.Join(root, "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d definitions: %v", len(files), err)
	}
	listed, err := os.ReadFile(filepath.Join(root, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.Contains(string(listed), "- bases/"+filepath.Base(file)+"\n") {
			t.Errorf("kustomization.yaml does not list %s", filepath.Base(file))
		}
	}
}

func TestTheArgumentsOfTheDeploymentAreUnderstood(t *testing.T) {
	found := 0
	for _, object := range manifests(t, "controllers") {
		if object.GetKind() != "Deployment" {
			continue
		}
		var deployment appsv1.Deployment
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &deployment, true); err != nil {
			t.Fatal(err)
		}
		for _, container := range deployment.Spec.Template.Spec.Containers {
			found++
			if _, err := parseOptions(container.Args, io.Discard); err != nil {
				t.Errorf("container %s: %v", container.Name, err)
			}
		}
	}
	if found != 1 {
		t.Errorf("there are %d containers", found)
	}
}

// manifests answers the objects in a folder of config/.
func manifests(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testenv.Root(t), "config", folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, path := range paths {
		if filepath.Base(path) != "kustomization.yaml" {
			objects = append(objects, decodeAll(t, path)...)
		}
	}
	return objects
}

func decodeAll(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		objects = append(objects, object)
	}
}
