# What a real node does from its first process on: `sh start.sh FOLDER GROUP CONTAINERD CTR KUBERNETES NODE`,
# in mount and process namespaces of its own.
set -e
folder=$1 group=$2 containerd=$3 ctr=$4 kubernetes=$5 node=$6
PATH=$(dirname "$containerd"):$PATH:/usr/sbin:/sbin

# Where kubelet, containerd and network plugins leave files beside the folders that they are given.
for place in /run /var/lib /var/log; do
  mount -t tmpfs tmpfs "$place"
done

# A kubelet sets these for the whole machine. Here it finds them set, so that the machine stays as it is.
hold() {
  file="$folder/held/$(echo "$1" | tr / .)"
  echo "$2" >"$file"
  mount --bind "$file" "/proc/sys/$1"
}
mkdir "$folder/held"
hold vm/overcommit_memory 1
hold vm/panic_on_oom 0
hold kernel/panic 10
hold kernel/panic_on_oops 1
hold kernel/keys/root_maxkeys 1000000
hold kernel/keys/root_maxbytes 25000000

# The group of its pods, in every hierarchy that there is; under version 1 a new set of processors is empty.
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*/; do
  if [ -e "$hierarchy/cgroup.procs" ]; then mkdir "$hierarchy/$group"; fi
done
for file in cpuset.cpus cpuset.mems; do
  if [ -e "/sys/fs/cgroup/cpuset/$file" ]; then
    cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$group/$file"
  fi
done

# Nobody else is in the network of its pods, and so their bridge and addresses are nobody else's.
unshare --net "$containerd" --config "$folder/containerd.toml" >"$folder/containerd.log" 2>&1 &
until "$ctr" --address "$folder/socket" version >/dev/null 2>&1; do sleep 0.05; done
"$ctr" --address "$folder/socket" --namespace k8s.io images import "$folder/pause.tar" >/dev/null

exec "$kubernetes" kubelet --kubeconfig "$folder/kubeconfig" --config "$folder/kubelet.yaml" \
  --root-dir "$folder/kubelet" --hostname-override "$node"
