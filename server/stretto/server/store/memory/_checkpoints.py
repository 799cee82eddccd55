"""What LangGraph's checkpointer keeps of one workflow."""

from dataclasses import dataclass, field

from stretto.server.domain.change import ChannelBlob, Checkpoint, CheckpointCopy, PendingWrite, Saved, StoredCheckpoint


@dataclass(slots=True)
class Checkpoints:
    """Checkpoints, blobs and writes, by the rows' keys."""

    checkpoints: dict[tuple[str, str], Checkpoint] = field(default_factory=dict)
    blobs: dict[tuple[str, str, str], ChannelBlob] = field(default_factory=dict)
    writes: dict[tuple[str, str, str, int], PendingWrite] = field(default_factory=dict)

    def put(self, saved: Saved) -> None:
        """Add rows, or replace those with the same keys."""
        for one in saved.checkpoints:
            self.checkpoints[one.namespace, one.checkpoint_id] = one
        for blob in saved.blobs:
            self.blobs[blob.namespace, blob.channel, blob.version] = blob
        for write in saved.writes:
            self.writes[write.namespace, write.checkpoint_id, write.task_id, write.index] = write

    def stored(self, checkpoint: Checkpoint) -> StoredCheckpoint:
        """A checkpoint with its blobs and writes."""
        keys = [(checkpoint.namespace, channel, version) for channel, version in checkpoint.channels]
        of = (checkpoint.namespace, checkpoint.checkpoint_id)
        return StoredCheckpoint(
            checkpoint,
            tuple(self.blobs[key] for key in keys if key in self.blobs),
            tuple(self.writes[key] for key in sorted(self.writes) if key[:2] == of),
        )

    def copy(self, copied: CheckpointCopy) -> Saved:
        """A checkpoint with its ancestors, the subgraphs' checkpoints up to it, and what belongs to them."""
        line: set[str] = set()
        checkpoint = self.checkpoints.get(("", copied.checkpoint_id))
        while checkpoint and checkpoint.checkpoint_id not in line:
            line.add(checkpoint.checkpoint_id)
            checkpoint = self.checkpoints.get(("", checkpoint.parent_id))
        taken = [
            self.stored(one)
            for (namespace, checkpoint_id), one in self.checkpoints.items()
            if ((copied.with_writes or checkpoint_id <= copied.checkpoint_id) if namespace else checkpoint_id in line)
        ]
        ancestors = {("", checkpoint_id) for checkpoint_id in line - {copied.checkpoint_id}}
        return Saved(
            checkpoints=tuple(one.checkpoint for one in taken),
            blobs=tuple(blob for one in taken for blob in one.blobs),
            writes=tuple(
                write
                for one in taken
                for write in one.writes
                if copied.with_writes or (write.namespace, write.checkpoint_id) in ancestors
            ),
        )
