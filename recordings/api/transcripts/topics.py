"""What was said, in topics, and by the word."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from recordings.transcripts.access import DENIED, NO_TRANSCRIPT, find_transcript
from recordings.transcripts.topics import Topic, topics_of, turns_of
from rooms.api.base import ApiView
from rooms.api.schema import answers

NO_TOPIC = ErrorDetail("Topic not found", "topic_not_found")


@extend_schema_serializer(component_name="Word")
class WordSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="With the space that follows: words are joined with nothing between.")
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField(help_text="Seconds.")
    speaker = serializers.IntegerField()


@extend_schema_serializer(component_name="GetTranscriptSegmentTopic")
class TopicSegmentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    start = serializers.FloatField(help_text="Seconds.")
    speaker = serializers.IntegerField()


@extend_schema_serializer(component_name="GetTranscriptTopic")
class TopicSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField(help_text="By a language model, else the first words.")
    summary = serializers.CharField(help_text="Empty without a language model.")
    timestamp = serializers.FloatField(source="start", help_text="Seconds.")
    duration = serializers.FloatField(help_text="Seconds.")
    transcript = serializers.CharField(source="text")
    segments = TopicSegmentSerializer(many=True)


@extend_schema_serializer(component_name="GetTranscriptTopicWithWords")
class TopicWithWordsSerializer(TopicSerializer):
    words = WordSerializer(many=True)


@extend_schema_serializer(component_name="SpeakerWords")
class TurnSerializer(serializers.Serializer[Any]):
    speaker = serializers.IntegerField()
    words = WordSerializer(many=True)


@extend_schema_serializer(component_name="GetTranscriptTopicWithWordsPerSpeaker")
class TopicByTurnsSerializer(TopicSerializer):
    words_per_speaker = TurnSerializer(many=True, help_text="One entry a turn.")


class TopicList(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="v1_transcript_get_topics",
        summary="What was said, in topics",
        responses=answers(TopicSerializer(many=True), e403=DENIED, e404=NO_TRANSCRIPT),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        return Response([shown(topic) for topic in find_topics(request, transcript_id)])


class TopicsWithWords(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="v1_transcript_get_topics_with_words",
        summary="The topics with every word",
        responses=answers(TopicWithWordsSerializer(many=True), e403=DENIED, e404=NO_TRANSCRIPT),
    )
    def get(self, request: Request, transcript_id: str) -> Response:
        found = find_topics(request, transcript_id)
        return Response([shown(topic) | {"words": [vars(word) for word in topic.words]} for topic in found])


class TopicByTurns(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="v1_transcript_get_topics_with_words_per_speaker",
        summary="One topic with the words of each turn",
        responses=answers(TopicByTurnsSerializer, e403=DENIED, e404=NO_TOPIC),
    )
    def get(self, request: Request, transcript_id: str, topic_id: str) -> Response:
        found = [topic for topic in find_topics(request, transcript_id) if str(topic.id) == topic_id]
        if not found:
            raise NotFound(NO_TOPIC)
        turns = [{"speaker": speaker, "words": list(map(vars, said))} for speaker, said in turns_of(found[0].words)]
        return Response(shown(found[0]) | {"words_per_speaker": turns})


def find_topics(request: Request, transcript_id: str) -> list[Topic]:
    transcript = find_transcript(request.user, transcript_id)
    return topics_of(transcript, transcript.segments.all())


def shown(topic: Topic) -> dict[str, Any]:
    return {
        "id": str(topic.id),
        "title": topic.title,
        "summary": topic.summary,
        "timestamp": topic.start,
        "duration": topic.duration,
        "transcript": topic.text,
        "segments": [{"text": s.text, "start": s.start, "speaker": s.speaker} for s in topic.segments],
    }
